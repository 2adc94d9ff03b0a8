"""From nothing to a training set and a gallery: `python -m training.collect --help`.

door.py      the only way to the network: guarded addresses, limits, politeness
turns.py     one request at a time to a host, over threads and processes
crew.py      work spread over processes, which Ctrl-C ends
ledger.py    what was fetched and what was rejected, so that nothing is fetched twice
people.py    photos of people by name into one folder each, from any of the sources below
wikimedia.py google.py naver.py     the sources of photos, one site each
search.py    what the two searches share: icrawler's parts, with the door as their session
webtoons.py  episodes, from folders and archives or through gallery-dl
gate.py      the door for gallery-dl, as a proxy on this machine
titles.py    a webtoon's address by its title
quality.py   sharp, large, frontal, not seen before
drawn.py     episodes -> a dataset of drawn faces
namesakes.py which photos of one name show one person
portraits.py photos -> the two or three best portraits of each person, as a gallery's folder
"""


def needed(missing: ModuleNotFoundError) -> str:
    """What to tell somebody who lacks a package of the extra."""
    return f"error: Collecting needs {missing.name}; install it with: pip install -e '.[collect]'"
