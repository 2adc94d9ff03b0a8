"""The app's tools, as an MCP client sees and calls them."""

import asyncio
import base64

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

from tests.app_server import EXAMPLES
from tests.test_app import ENDPOINTS


@pytest.fixture(scope="module")
def tools(app_url):
    """Calls a tool, or lists them where no name is given, in a session of its own."""

    async def ask(name, arguments, progress):
        async with (
            streamablehttp_client(f"{app_url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            if name is None:
                return (await session.list_tools()).tools
            return await session.call_tool(name, arguments, progress_callback=progress)

    return lambda name=None, progress=None, **arguments: asyncio.run(ask(name, arguments, progress))


@pytest.fixture(scope="module")
def page():
    return "data:image/png;base64," + base64.b64encode(EXAMPLES[0].read_bytes()).decode("ascii")


def test_the_tools_are_listed_with_what_they_take(tools):
    listed = {tool.name: tool for tool in tools()}
    assert set(listed) == ENDPOINTS
    assert all(tool.description for tool in listed.values())
    takes = listed["cast"].inputSchema
    assert set(takes["properties"]) == {"pages", "faces", "similarity", "gender", "visit", "lang"}
    assert takes["required"] == ["pages"]
    assert all(argument["description"] for argument in takes["properties"].values())


def test_cast_answers_with_the_standings(tools, page):
    answer = tools("cast", pages=[page], faces=[0])
    assert not answer.isError
    assert "standings" in answer.content[0].text


def test_cast_answers_with_the_sheet_to_who_follows_its_progress(tools, page):
    async def follow(done, total, message):
        pass

    answer = tools("cast", progress=follow, pages=[page], faces=[0])
    assert "image" in {content.type for content in answer.content}


def test_detect_and_realize_answer_with_faces(tools, page):
    for name in ("detect", "realize"):
        answer = tools(name, pages=[page])
        assert not answer.isError
        assert "'box'" in answer.content[0].text


def test_gallery_answers_with_people(tools):
    assert "'people'" in tools("gallery").content[0].text


def test_a_mistake_is_answered_with_its_sentence(tools, page):
    answer = tools("cast", pages=[page], faces=[999])
    assert answer.isError
    assert "There is no face 999" in answer.content[0].text
