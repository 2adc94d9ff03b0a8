"""The Gradio app: its pages, and the endpoints that do the same for programs. No model code.

Read `launch` first: it names every page and endpoint. A page lies in `pages`, with the functions that its
events call above its layout; what pages and endpoints share lies beside this file. Only here is gradio
imported, and nothing else of webcast imports this.
"""
