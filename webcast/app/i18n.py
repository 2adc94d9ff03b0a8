"""The words of the pages, which the browser puts into its own language."""

from dataclasses import asdict

import gradio as gr
from gradio.i18n import I18nData

from webcast.app import page_markup
from webcast.app.limits import LIMITS
from webcast.app.loaded import EXAMPLES, PARTS_HERE, caster
from webcast.korean import said

PART_LABELS = sorted({part.label for parts in PARTS_HERE.values() for part in parts})


def words() -> dict[str, dict[str, str]]:
    """For each language the words of the pages and of the parts by their keys."""
    filled = {**LIMITS, **asdict(caster.sources)}
    found = page_markup.page_words(filled, caster.notices, EXAMPLES)
    for lang, each in found.items():
        each |= {f"part_{number}": said(part, lang) for number, part in enumerate(PART_LABELS)}
    return found


# Gradio has words of its own under short keys, such as "slider".
i18n = gr.I18n(
    **{lang: {f"webcast_{key}": text for key, text in each.items()} for lang, each in words().items()}
)


def t(key: str) -> I18nData:
    """The words of that key in the language of whoever looks."""
    return i18n(f"webcast_{key}")


def part_label(part: str) -> I18nData:
    """What a part is called, from its English label."""
    return t(f"part_{PART_LABELS.index(part)}")


GENDER_MARKS = [(t("gender_unsaid"), ""), (t("gender_female"), "female"), (t("gender_male"), "male")]
GENDER_CHOICES = [(t("everyone"), ""), (t("women"), "female"), (t("men"), "male")]
