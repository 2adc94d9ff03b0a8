"""The words of the pages, which the browser puts into its own language."""

from dataclasses import asdict

import gradio as gr
from gradio.i18n import I18nData

from webcast.app import page_markup
from webcast.app.limits import LIMITS
from webcast.app.loaded import EXAMPLES, caster

# Gradio has words of its own under short keys, such as "slider".
i18n = gr.I18n(
    **{
        lang: {f"webcast_{key}": text for key, text in words.items()}
        for lang, words in page_markup.page_words(
            {**LIMITS, **asdict(caster.sources)}, caster.notices, EXAMPLES
        ).items()
    }
)


def t(key: str) -> I18nData:
    """The words of that key in the language of whoever looks."""
    return i18n(f"webcast_{key}")


GENDER_MARKS = [(t("gender_unsaid"), ""), (t("gender_female"), "female"), (t("gender_male"), "male")]
GENDER_CHOICES = [(t("everyone"), ""), (t("women"), "female"), (t("men"), "male")]
