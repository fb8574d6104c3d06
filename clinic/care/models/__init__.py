"""The tables of the clinic's jobs, by what they are about."""

from clinic.care.models.eligibility import AppointmentComment as AppointmentComment
from clinic.care.models.eligibility import EligibilityInformation as EligibilityInformation
from clinic.care.models.eligibility import EligibilityReport as EligibilityReport
from clinic.care.models.eligibility import EligibilitySpend as EligibilitySpend
from clinic.care.models.intakes import Intake as Intake
from clinic.care.models.intakes import IntakeQuestionnaireDatum as IntakeQuestionnaireDatum
from clinic.care.models.removal import RetentionHold as RetentionHold
from clinic.care.models.schedule import CommandState as CommandState
from clinic.care.models.states import StateCheck as StateCheck
