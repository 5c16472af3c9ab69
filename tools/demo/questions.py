"""The source of the demo test set: what each context is made of, its question and its answer.

`WHOLE` contexts are paragraphs of kept pages, word for word; `SENTENCE` contexts are new text with
one sentence of a kept page in it; `FRESH` contexts share nothing with any page; `SHORT` ones have
fewer than eight words; `DROPPED` ones are from pages that are not kept.
"""

# slug, number of the paragraph, question, answer
WHOLE = (
    (
        "03-why-sky-blue",
        1,
        "Which power of the wavelength governs how strongly air scatters light?",
        "with its fourth power",
    ),
    (
        "03-why-sky-blue",
        1,
        "Which two gases make up most of the molecules that scatter sunlight?",
        "nitrogen and oxygen",
    ),
    ("07-canal-lock", 1, "In which country was the mitre gate invented?", "Italy"),
    (
        "13-tides",
        3,
        "How much longer than a solar day is a day measured by the Moon?",
        "some fifty minutes",
    ),
    (
        "25-winter-bees",
        1,
        "At what temperature does a single bee lose the use of her legs?",
        "about ten degrees",
    ),
    ("28-milestones", 3, "From which year did turnpike roads have to have milestones?", "1767"),
    (
        "31-hail",
        4,
        "In which state did the largest measured hailstone of the United States fall?",
        "South Dakota",
    ),
    ("34-why-ice-floats", 3, "At which temperature is water densest?", "four degrees Celsius"),
    ("43-bisect", 1, "How many tests are enough for a million changes?", "twenty"),
    ("45-ice-house", 4, "In what was ice packed for the voyage to Calcutta?", "sawdust"),
    ("48-thunder", 1, "How long does sound need for one kilometre?", "three seconds"),
    ("66-unicode", 1, "How many bytes does an accented letter take in UTF-8?", "two"),
)

# slug, sentence, text before, text after, question, answer
SENTENCE = (
    (
        "01-sourdough-cold-kitchen",
        "The yeasts and bacteria in a starter do not know what time it is.",
        "Home bakers often ask how long a first rise should last.",
        "A thermometer is of more use to them than a kitchen timer, as any teacher of the craft will confirm.",
        "What is of more use to a baker than a timer?",
        "A thermometer",
    ),
    (
        "06-hexdump",
        "A zip archive begins with the letters PK, and so does every format that is a zip archive in disguise, which nowadays includes most office documents, electronic books and Java packages.",
        "Examiners of old disks learn a handful of prefixes by heart.",
        "Sound files and fonts have theirs as well.",
        "With which letters does a zip archive begin?",
        "PK",
    ),
    (
        "17-brick-wall",
        "If you see whole rows of headers alternating with whole rows of stretchers, it is English bond, the older and stronger of the two great patterns.",
        "Surveyors note the masonry of each elevation on a sheet.",
        "Photographs are taken with a scale.",
        "What is the name of the pattern with whole rows of headers?",
        "English bond",
    ),
    (
        "20-barometer",
        "A slow fall over a day or two means that a low is approaching, with wind, cloud and probably rain.",
        "Sailing courses devote an hour to instruments.",
        "Students then plot a week of readings on squared paper.",
        "What does a slow fall of the pressure announce?",
        "a low",
    ),
    (
        "26-sash-window",
        "Cords go from the top of each sash over a pulley to an iron weight that hangs inside the frame.",
        "Few parts of a Georgian terrace are as cleverly balanced as its glazing.",
        "Spare pulleys can be had from salvage yards.",
        "What hangs inside the frame of the window?",
        "an iron weight",
    ),
    (
        "32-cucumbers",
        "Thirty-five grams of salt to a litre of water is strong enough to hold back the moulds and the organisms that make things rot, and weak enough for those that produce lactic acid.",
        "Recipes from four countries were compared.",
        "Dill was named in all of them, cherry leaves in only one.",
        "How much salt goes into a litre of water?",
        "Thirty-five grams",
    ),
    (
        "35-hash-table",
        "It does not matter what the rule is as long as it always gives the same number for the same name, and spreads the names about evenly.",
        "The lecture opened with a cloakroom.",
        "Only in its second half were any programs shown.",
        "With what did the lecture open?",
        "a cloakroom",
    ),
    (
        "37-village-pump",
        "The iron pump that stands on village greens is seldom older than the nineteenth century.",
        "A survey of street furniture was begun by volunteers in three counties.",
        "Troughs and lamp standards have been listed separately.",
        "Since which century have iron pumps stood on village greens?",
        "the nineteenth century",
    ),
    (
        "41-soap",
        "In hard water there is a difficulty.",
        "Launderers of the chalk hills used to collect rain in cisterns.",
        "Visitors from granite country never understood the reason until they tried to wash.",
        "In what did the launderers collect rain?",
        "cisterns",
    ),
    (
        "65-autumn-leaves",
        "At the foot of each leaf stalk there is a layer of small cells.",
        "Under the microscope the class looked at twigs of ash and maple.",
        "Drawings were made in pencil and coloured at home.",
        "Which trees did the class look at?",
        "ash and maple",
    ),
)

# title, context, question, answer
FRESH = (
    (
        "Bell ringing",
        "A ring of six bells can be sounded in seven hundred and twenty different orders without repeating one. Ringers do not read music for this. They learn by heart the path of their own bell among the others, and count. A full set takes about half an hour, during which nobody may stop to scratch.",
        "In how many orders can six bells be rung?",
        "seven hundred and twenty",
    ),
    (
        "Lichens",
        "A lichen is a partnership between a fungus and an alga, or sometimes a bacterium that lives by light. The fungus builds the house and fetches minerals, while its lodger makes sugar. Many kinds grow less than a millimetre in a year, so gravestones with dates on them have helped to measure their age.",
        "What does the fungus fetch for its partner?",
        "minerals",
    ),
    (
        "Knots",
        "The bowline makes a loop that will not slip under load and yet can be undone afterwards with cold hands. It is tied in the end of a rope, usually around a post or a ring. Climbers have largely given it up, because it may shake loose when no weight is hanging from it.",
        "Why have climbers given up the bowline?",
        "it may shake loose when no weight is hanging from it",
    ),
    (
        "Ink",
        "Oak galls are swellings caused by tiny wasps that lay their eggs in the buds of the tree. Crushed and soaked, they yield an acid that turns black with salts of iron. Ink of this kind was used for charters and ledgers over more than a thousand years, and where too much iron went in it has eaten through the page.",
        "Which insects cause oak galls?",
        "tiny wasps",
    ),
    (
        "Glass",
        "Float glass is made by pouring the melt onto a bath of liquid tin, where it spreads into a ribbon with two perfectly flat sides. The method was introduced in the 1950s. Before that, large panes had to be ground and polished by machines on both faces, at great cost.",
        "Onto which metal is the melt poured?",
        "liquid tin",
    ),
    (
        "Swifts",
        "Young swifts that leave the nest may not land again for two or three years. They feed, drink and sleep on the wing. Their legs are so short that early naturalists believed them to have none, and their scientific name still says that they are footless.",
        "For how long may young swifts stay in the air?",
        "two or three years",
    ),
    (
        "Salt",
        "Before there were cans and cold stores, salt was what allowed a village to eat in March what it had killed in November. Towns that owned brine springs grew rich. Forests around them vanished into the fires under their pans, and the lack of fuel ended many a saltworks long before the spring ran dry.",
        "What ended many saltworks?",
        "the lack of fuel",
    ),
    (
        "Typewriters",
        "On early typewriters the bars struck the paper from below, so the typist could not see the line being written until four more had followed. Visible writing, patented in the 1890s, sold better than any claim of speed. Keyboards, on the other hand, hardly changed.",
        "What sold better than any claim of speed?",
        "Visible writing",
    ),
    (
        "Dew ponds",
        "High on the chalk, where rain disappears at once, shepherds lined shallow pits with straw and puddled clay to water the flock. Despite their name these ponds are filled by showers rather than by dew. A good one held water through most droughts, until a hoof broke the lining.",
        "With what were the pits lined?",
        "straw and puddled clay",
    ),
    (
        "Lenses",
        "Grinding a lens by hand begins with two round blanks, one on top of the other, and wet sand between them. As the upper one is pushed back and forth it becomes hollow and the lower one domed. Turning both a little after each few strokes makes the curve a part of a sphere, of its own accord.",
        "What shape does the lower blank take?",
        "domed",
    ),
    (
        "Sea walls",
        "A smooth vertical wall throws a wave upwards and lets it fall on the road behind. Engineers now prefer a slope of loose rock, which swallows most of the energy in its gaps. Villagers complain that such a slope cannot be sat on.",
        "What do engineers now prefer?",
        "a slope of loose rock",
    ),
    (
        "Chess clocks",
        "Until the middle of the nineteenth century there was no limit on thinking, and games were known to last beyond midnight. Sand glasses were tried first. Two clocks on a see-saw, one always stopped while its neighbour ran, came into use at a tournament in 1883.",
        "In which year were two clocks on a see-saw used at a tournament?",
        "1883",
    ),
    (
        "Quinces",
        "Raw quinces are hard, sour and furry, and most children who bite into one never forgive it. Cooked slowly they turn from cream to deep pink and fill the house with a scent of roses. Portuguese cooks made a stiff paste from them, called marmelada, long before oranges were treated in the same way.",
        "What do quinces smell of when they are cooked?",
        "roses",
    ),
    (
        "Snow fences",
        "Fences along a mountain railway do not stop the snow. Their slats slow down the wind, so that it drops its load in a long drift on the sheltered side. The line is therefore laid well beyond that drift, at a distance of about thirty times the height of the boards.",
        "What do the slats slow down?",
        "the wind",
    ),
    (
        "Beehives",
        "Before hives with movable frames came into use, honey could be taken from a straw skep only by driving out the colony or killing it. An American clergyman noticed around 1850 that bees leave a gap of a certain width free of wax. Frames hung at that distance can be lifted out whole.",
        "From what was honey taken before there were movable frames?",
        "a straw skep",
    ),
)

# title, context, question, answer; the second is a whole sentence of a kept page, but too short to count
SHORT = (
    ("A proverb", "Still waters run deep.", "Which waters run deep?", "Still waters"),
    ("A clock", "It was four minutes slow.", "By how much was the clock slow?", "four minutes"),
    ("Directions", "Third door on the left, please.", "Which door is meant?", "Third door"),
    ("A forecast", "Rain later, good, occasionally poor.", "What is forecast for later?", "Rain"),
    ("A word", "Marmalade", "Which word is it?", "Marmalade"),
)

# slug of a page that is not kept, number of the paragraph, question, answer
DROPPED = (
    ("s01-low-karma", 0, "How was the string in the drawer wound?", "in figures of eight"),
    ("s03-too-late", 1, "What colours did the flare have?", "red and green"),
)

# slug, number of the paragraph, question, answer: written in capitals and without any punctuation
SHOUTED = (
    ("04-hot-compost", 1, "WHAT IS THE LEAST SIZE OF A HEAP THAT WORKS", "A METRE EACH WAY"),
    ("14-pruning-apple", 2, "WHAT COLOUR IS DEAD WOOD UNDER THE BARK", "BROWN"),
)

# One context in which a run of more than eight words comes back: occurrences and distinct n-grams differ.
REPEATED = (
    "A counting rhyme",
    "Round and round the market square went the baker and his mare, and the rain came down on the baker and his mare. Round and round the market square went the baker and his mare, till nobody knew who was leading.",
    "Who went round the market square?",
    "the baker and his mare",
)
