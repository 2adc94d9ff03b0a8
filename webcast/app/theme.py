"""The colours and fonts of Gradio's own components; style.css has the rest."""

import gradio as gr

INK, PAPER, NIGHT, CARD = "#17151f", "#fdf8ee", "#15131b", "#fffdf8"
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.rose,
    neutral_hue=gr.themes.colors.stone,
    radius_size=gr.themes.sizes.radius_none,
    font=[
        "Pretendard",
        "system-ui",
        "Apple SD Gothic Neo",
        "Malgun Gothic",
        "Noto Sans KR",
        "sans-serif",
    ],
    font_mono=["ui-monospace", "monospace"],
).set(
    body_background_fill=PAPER,
    body_background_fill_dark=NIGHT,
    body_text_color=INK,
    block_background_fill=CARD,
    block_background_fill_dark="#201d29",
    block_border_width="2px",
    block_border_color=INK,
    block_border_color_dark="#5b5468",
)
