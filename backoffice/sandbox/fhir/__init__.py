"""The sandbox FHIR server: Patients of FHIR R4 over a socket, made up from a seed, with faults on demand."""

from backoffice.sandbox.fhir.faults import KINDS, fhir_faults
from backoffice.sandbox.fhir.patients import SYSTEM, generate
from backoffice.sandbox.fhir.server import FhirServer
from backoffice.sandbox.fhir.shape import Shape

__all__ = ["KINDS", "SYSTEM", "FhirServer", "Shape", "fhir_faults", "generate"]
