"""How much the app takes at once, and how long it keeps what it was given."""

from webcast.unpack import MAX_PHOTOS

MAX_PAGES = 12  # of one call
MAX_PIXELS = 120_000_000  # of all pages of one call together
MAX_FACES = 24  # cast at once
MAIN_FACES = 12  # of the main character, where nobody says how many
MAX_EPISODE_PAGES = 200
MAX_EPISODE_FACES = 600
MAX_EPISODES = 8  # that are remembered
MAX_EXPLAINED = 3  # faces of a part whose likeness is mapped; each takes about a second
MAX_FILE_MB = 20
MAX_WAITING = 24  # calls in the queue; one is computed at a time
MAX_VISITS = 64  # that are remembered
MAX_SHOWN = 60  # people of the gallery at once
MAX_STAGES = 4  # sets of parts that are kept loaded
HEAD_PX = 1024  # a side of a head that a visit remembers, at most
KEEP_FOR_S = 3600
CLEAN_EVERY_S = 600
LIMITS = {
    "pages": MAX_PAGES,
    "file_mb": MAX_FILE_MB,
    "megapixels": MAX_PIXELS // 10**6,
    "faces": MAX_FACES,
    "photos": MAX_PHOTOS,
    "waiting": MAX_WAITING,
    "episode_pages": MAX_EPISODE_PAGES,
    "episode_faces": MAX_EPISODE_FACES,
    "episodes": MAX_EPISODES,
    "minutes": (KEEP_FOR_S + CLEAN_EVERY_S) // 60,
}
