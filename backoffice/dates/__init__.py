"""How Django's own pages write dates: FORMAT_MODULE_PATH, since a setting would yield to the language's formats."""
