"""X12 written by hand, with an envelope that is right unless a test says otherwise."""

from claims.edi.answers import Said, read
from claims.edi.findings import Findings
from claims.edi.x12 import Source

VERSIONS = {
    "835": "005010X221A1",
    "837": "005010X222A1",
    "277": "005010X214",
    "999": "005010X231A1",
    "997": "005010X230",
}
GROUPS = {"835": "HP", "837": "HC", "277": "HN", "999": "FA", "997": "FA"}


def isa(number: int = 905, *, sender: str = "330897513", marks: str = "*:^~") -> str:
    element, component, repetition, terminator = tuple(marks)
    header = ["ISA", "00", " " * 10, "00", " " * 10, "ZZ", sender.ljust(15), "ZZ", "NIGHTWARD".ljust(15), "260105"]
    header += ["1200", repetition, "00501", f"{number:09}", "0", "P", component]
    return element.join(header) + terminator


def st(kind: str, *segments: str, number: int = 1) -> list[str]:
    """A set from ST to SE, of segments written with * and :."""
    return [f"ST*{kind}*{number:04}*{VERSIONS[kind]}", *segments, f"SE*{len(segments) + 2}*{number:04}"]


def file_of(kind: str, *sets: list[str], number: int = 905, marks: str = "*:^~", line_break: str = "\n") -> bytes:
    """A whole file; `marks` in the order element, component, repetition, terminator."""
    group = [f"GS*{GROUPS[kind]}*OA*NIGHTWARD*20260105*1200*{number}*X*{VERSIONS[kind]}"]
    body = [*group, *(segment for each in sets for segment in each), f"GE*{len(sets)}*{number}"]
    body.append(f"IEA*1*{number:09}")
    element, component, repetition, terminator = tuple(marks)
    table = str.maketrans({"*": element, ":": component, "^": repetition})
    text = "".join(segment.translate(table) + terminator + line_break for segment in body)
    return (isa(number, marks=marks) + line_break + text).encode()


def set_of(kind: str, *segments: str) -> bytes:
    """A file of one set."""
    return file_of(kind, st(kind, *segments))


def all_said(source: Source) -> tuple[list[Said], Findings]:
    findings = Findings()
    return [each for _, said in read(source, findings) for each in said], findings


def codes(findings: Findings) -> list[str]:
    return [diagnostic.code for diagnostic in findings.found]


HEAD_835 = (
    "BPR*I*130*C*ACH*CCP*01*999999992*DA*123456*1512345678**01*999988880*DA*98765*20260105",
    "TRN*1*TRACE1*1512345678",
    "DTM*405*20260104",
    "N1*PR*INSURANCE OF SOMEWHERE*XV*87726",
    "N1*PE*CLINIC*XX*1245319599",
    "LX*1",
)
CLAIM_835 = (
    "CLP*A000000000001*1*200*130*20*12*PAYER1*11*1",
    "NM1*QC*1*DOE*JANE****MI*M1",
    "MOA***MA01*MA18",
    "SVC*HC:99213:25*150*130**1",
    "DTM*472*20260102",
    "CAS*PR*1*20",
    "REF*6R*L1",
    "AMT*B6*150",
    "SVC*HC:99214*50*0**1*HC:99215*2",
    "DTM*150*20260102",
    "DTM*151*20260103",
    "CAS*CO*45*30**253*10**97*10*1",
    "REF*6R*L2",
    "LQ*HE*N130",
)
PAYMENT = set_of("835", *HEAD_835, *CLAIM_835)
CLAIM_ANSWERS = (
    "BHT*0085*08*OA1*20260105*1200*TH",
    "HL*1**20*1",
    "NM1*AY*2*OFFICE ALLY*****46*330897513",
    "TRN*1*REPORT1",
    "HL*2*1*21*1",
    "NM1*41*2*CLINIC*****46*SENDER",
    "TRN*2*BATCH1",
    "STC*A1:19:PR*20260105*WQ*300",
    "QTY*90*1",
    "QTY*AA*1",
    "AMT*YU*200",
    "AMT*YY*100",
    "HL*3*2*19*1",
    "NM1*85*2*CLINIC*****XX*1245319599",
    "HL*4*3*PT",
    "NM1*QC*1*DOE*JANE****MI*M1",
    "TRN*2*A1",
    "STC*A2:20:PR*20260105*WQ*200",
    "REF*1K*PAYER1",
    "REF*D9*OA1",
    "HL*5*3*PT",
    "NM1*QC*1*DOE*JOHN****MI*M2",
    "TRN*2*A2",
    "STC*A2:20*20260105*WQ*100",
    "SVC*HC:99213*100",
    "STC*A7:562:85*20260105*WQ",
    "REF*FJ*L1",
)
SYNTAX_ANSWER = (
    "AK1*HC*17456*005010X222A1",
    "AK2*837*0001",
    "IK5*A",
    "AK2*837*0002",
    "IK3*CLM*22*2300*8",
    "CTX*CLM01:A000000000007",
    "IK4*2*782*1*BAD DATA",
    "IK5*R*5",
    "AK9*P*2*2*1",
)
CLAIMS = (
    "BHT*0019*00*BATCH1*20260105*1200*CH",
    "HL*1**20*1",
    "NM1*85*2*CLINIC*****XX*1245319599",
    "REF*EI*123456789",
    "HL*2*1*22*0",
    "SBR*P*18*******CI",
    "NM1*IL*1*DOE*JANE****MI*M1",
    "DMG*D8*19800102*F",
    "NM1*PR*2*INSURANCE*****PI*87726",
    "CLM*A1*200***11:B:1*Y*A*Y*Y",
    "REF*G1*AUTH1",
    "HI*ABK:I10*ABF:E119",
    "NM1*82*1*ROE*ANN****XX*1245319599",
    "LX*1",
    "SV1*HC:99213:25*150*UN*1***1:2",
    "DTP*472*D8*20260102",
    "REF*6R*L1",
    "LX*2",
    "SV1*HC:T1019*50*UN*2.5*12**1",
    "DTP*472*RD8*20260102-20260103",
    "HL*3*1*22*1",
    "SBR*S********CI",
    "NM1*IL*1*DOE*MARY****MI*M2",
    "NM1*PR*2*INSURANCE*****PI*87726",
    "HL*4*3*23*0",
    "PAT*19",
    "NM1*QC*1*DOE*JIM",
    "DMG*D8*20150304*M",
    "CLM*A2*40***12:B:7",
    "REF*F8*PAYER9",
    "LX*1",
    "SV1*HC:99214*40*UN*1***1",
)
ALL_KINDS = {
    "835": PAYMENT,
    "277": set_of("277", *CLAIM_ANSWERS),
    "999": set_of("999", *SYNTAX_ANSWER),
    "837": set_of("837", *CLAIMS),
    "TA1": (isa() + "TA1*000000905*260105*1200*R*025~IEA*0*000000905~").encode(),
}
