"""The admin's look: all that the product takes from unfold for its pages.

The plain admin serves the same pages with Django's own names in their place: ModelAdmin and TabularInline of
django.contrib.admin, the forms of django.contrib.auth.forms and the widgets of django.contrib.admin.widgets; it
leaves out what is an `action`: buttons beside Save.
"""

from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget as CheckboxSelectMultiple
from unfold.widgets import UnfoldAdminPasswordWidget as PasswordInput
from unfold.widgets import UnfoldAdminTextareaWidget as Textarea
from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

__all__ = (
    "AdminPasswordChangeForm",
    "CheckboxSelectMultiple",
    "ModelAdmin",
    "PasswordInput",
    "TabularInline",
    "TextInput",
    "Textarea",
    "UserChangeForm",
    "UserCreationForm",
    "action",
)
