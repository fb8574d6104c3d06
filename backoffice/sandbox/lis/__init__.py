"""The sandbox laboratory: tells what became of a sample, by signed CloudEvents or by HL7 v2 over MLLP."""
