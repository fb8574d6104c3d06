"""Names and places for made-up patients; nobody of these lives there."""

from typing import Final

LAST: Final = (
    "Abbott", "Bergström", "Castillo", "Dvorak", "Eriksen", "Fitzgerald", "Garcia", "Hansen", "Ibarra", "Jensen",
    "Kowalski", "Larsen", "McBride", "Novák", "O'Connor", "Petersen", "Quinn", "Ramirez", "Svoboda", "Thompson",
    "Underwood", "Vogel", "Whitehorse", "Young-Meyer", "Zeller",
)  # fmt: skip
FIRST: Final = {
    "F": (
        "Alma",
        "Beatriz",
        "Clara",
        "Dolores",
        "Elsa",
        "Freya",
        "Grace",
        "Hana",
        "Irene",
        "Josefína",
        "Karen",
        "Lena",
    ),
    "M": ("Anton", "Bruno", "Carlos", "David", "Emil", "Frank", "George", "Henrik", "Ivan", "José", "Karl", "Luis"),
}
STREETS: Final = (
    "Cottonwood St", "Dodge St", "Meadowlark Ln", "Prairie Ave", "O St", "N 27th St", "Platte River Dr", "Elm St",
    "Farnam St", "County Road 12", "Harvest Ct", "Sunflower Way",
)  # fmt: skip
PLACES: Final = (
    ("Omaha", "68102"), ("Lincoln", "68508"), ("Grand Island", "68801"), ("Kearney", "68847"), ("Fremont", "68025"),
    ("Hastings", "68901"), ("North Platte", "69101"), ("Norfolk", "68701"),
)  # fmt: skip
