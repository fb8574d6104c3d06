from tests.runs.conftest import world as world
