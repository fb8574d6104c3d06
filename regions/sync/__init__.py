"""The phone sync: a region's sheet of phone numbers is brought to its FHIR server, row by row told back."""
