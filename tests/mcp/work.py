"""A piece of work as an agent does it, through the official Python client, over stdio and over HTTP.

Usage: work.py FUGUE URL TOKEN_FILE. Written for both major versions of the package `mcp`, which differ in their names.
"""

import asyncio
import contextlib
import os
import sys
import time
from datetime import timedelta
from importlib.metadata import version

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

FUGUE, URL, TOKEN_FILE = sys.argv[1:4]
MODERN = int(version("mcp").split(".")[0]) >= 2
LIMIT_S = 60


def headers():
    with open(TOKEN_FILE) as file:
        return {"Authorization": f"Bearer {file.read().strip()}"}


def stdio():
    return StdioServerParameters(command=FUGUE, args=["mcp"], env=dict(os.environ))


class Client:
    """What both versions can do."""

    def __init__(self, inner):
        self.inner = inner

    async def tools(self):
        return {tool.name: tool for tool in (await self.inner.list_tools()).tools}

    async def raw(self, tool, **arguments):
        limit = LIMIT_S if MODERN else timedelta(seconds=LIMIT_S)
        result = await self.inner.call_tool(tool, arguments, read_timeout_seconds=limit)
        if MODERN:
            return result.is_error, result.structured_content
        return result.isError, result.structuredContent

    async def __call__(self, tool, **arguments):
        is_error, answer = await self.raw(tool, **arguments)
        assert not is_error, f"{tool}: {answer}"
        return answer

    async def refused(self, tool, code, **arguments):
        is_error, answer = await self.raw(tool, **arguments)
        assert is_error and answer["error"]["code"] == code, f"{tool}: {answer}"
        return answer["error"]


@contextlib.asynccontextmanager
async def old_client(over):
    """Version 1: streams by hand, always with `initialize`."""
    from mcp.client.streamable_http import streamablehttp_client

    async with contextlib.AsyncExitStack() as stack:
        opened = stdio_client(stdio()) if over == "stdio" else streamablehttp_client(URL, headers=headers())
        streams = await stack.enter_async_context(opened)
        session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
        greeting = await session.initialize()
        assert greeting.serverInfo.name == "fugue" and greeting.instructions, greeting
        yield Client(session)


@contextlib.asynccontextmanager
async def new_client(over, mode):
    """Version 2: one object; `auto` speaks 2026-07-28, `legacy` begins with `initialize`."""
    import httpx2
    from mcp import Client as Whole
    from mcp.client.streamable_http import streamable_http_client

    async with contextlib.AsyncExitStack() as stack:
        if over == "stdio":
            server = stdio()
        else:
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers(), timeout=LIMIT_S))
            server = streamable_http_client(URL, http_client=http)
        whole = await stack.enter_async_context(Whole(server, mode=mode))
        spoken = "2026-07-28" if mode == "auto" else "2025-11-25"
        assert whole.protocol_version == spoken, whole.protocol_version
        yield Client(whole)


async def type_and_read(call, name):
    made = await call("fugue_create_session", name=name, command="cat", args=[], tags=["python"])
    assert made["session_context"]["session_name"] == name, made
    pane = made["pane_id"]
    sent = await call("fugue_send_input", pane_id=pane, input="what-was-typed", submit=True)
    seen = await call("fugue_expect", pane_id=pane, pattern="what-was-(typed)", since=sent["cursor"], timeout_ms=10_000)
    assert seen["outcome"] == "match" and seen["groups"] == ["typed"], seen
    text = await call("fugue_read_pane", pane_id=pane)
    assert "what-was-typed" in text["text"], text
    news = await call("fugue_read_pane", pane_id=pane, since=text["cursor"])
    assert news["text"].strip() == "", news
    over = await call("fugue_expect", pane_id=pane, pattern="never", since=text["cursor"], timeout_ms=200)
    assert over["outcome"] == "timeout", over
    return pane


async def parallel(call):
    began = time.monotonic()
    run = await call(
        "fugue_run_parallel",
        commands=[
            {"name": "well", "command": "echo fine"},
            {"name": "ill", "command": "exit 3"},
            {"name": "slow", "command": "sleep 60"},
        ],
        timeout_ms=1_500,
        output_lines=5,
    )
    took = time.monotonic() - began
    by_name = {one["name"]: one for one in run["commands"]}
    assert by_name["well"]["status"] == "completed" and by_name["well"]["exit_code"] == 0, run
    assert by_name["well"]["output"].strip() == "fine", run
    assert by_name["ill"]["exit_code"] == 3, run
    assert by_name["slow"]["status"] == "timeout", run
    assert run["status"] == "timeout" and 1.5 <= took < 15, (took, run)
    kept = await call("fugue_get_orchestration", orchestration_id=run["orchestration_id"])
    assert kept["status"] == "timeout", kept


async def pipeline(call):
    run = await call(
        "fugue_run_pipeline",
        commands=[
            {"name": "go", "command": "cd / && export X=7"},
            {"name": "look", "command": "pwd; echo $X"},
            {"name": "fail", "command": "false"},
            {"name": "never", "command": "echo no"},
        ],
        output_lines=5,
        cleanup=True,
    )
    steps = {one["name"]: one for one in run["steps"]}
    assert run["status"] == "failed" and run["failed_at"] in (2, "fail"), run
    assert steps["look"]["exit_code"] == 0 and steps["fail"]["exit_code"] == 1, run
    assert "/\n7" in steps["look"]["output"], run


async def layout(call, name):
    if "fugue_create_layout" not in await call.tools():
        print("  (fugue_create_layout is not there)")
        return
    tree = {
        "direction": "right",
        "splits": [
            {"ratio": 0.3, "layout": {"pane": {"name": "left", "command": "sleep 600"}}},
            {
                "ratio": 0.7,
                "layout": {
                    "direction": "down",
                    "splits": [
                        {"ratio": 0.5, "layout": {"pane": {"name": "upper", "command": "sleep 600"}}},
                        {"ratio": 0.5, "layout": {"pane": {"name": "lower", "command": "sleep 600"}}},
                    ],
                },
            },
        ],
    }
    await call("fugue_create_layout", session=name, layout=tree)
    panes = (await call("fugue_list_panes", session=name))["panes"]
    assert {"left", "upper", "lower"} <= {pane.get("name") for pane in panes}, panes


async def cancel(call):
    run = await call("fugue_run_parallel", commands=[{"command": "sleep 600"}], wait=False)
    assert run["status"] == "running", run
    ended = await call("fugue_cancel_orchestration", orchestration_id=run["orchestration_id"])
    assert ended["status"] == "cancelled", ended
    kept = await call("fugue_get_orchestration", orchestration_id=run["orchestration_id"])
    assert kept["status"] == "cancelled", kept


async def mistakes(call, pane):
    error = await call.refused("fugue_read_pane", "invalid_argument", pane_id=pane, line=3)
    assert "lines" in error["message"] + error["hint"], error
    await call.refused("fugue_read_pane", "not_found", pane_id="nobody")
    await call.refused("fugue_list_sessions", "unknown_server", server="elsewhere")
    await call.refused("fugue_kill_session", "invalid_argument")


async def side_by_side(call, pane):
    """A wait does not hold up what comes after it."""
    waiting = asyncio.create_task(call("fugue_expect", pane_id=pane, pattern="never", timeout_ms=1_500))
    began = time.monotonic()
    many = await asyncio.gather(*(call("fugue_list_panes", all=True) for _ in range(20)))
    took = time.monotonic() - began
    assert all(pane in str(one) for one in many)
    assert took < 1.4 and not waiting.done(), took
    assert (await waiting)["outcome"] == "timeout"


async def work(title, opened):
    began = time.monotonic()
    name = f"py-{title}".replace(".", "-")
    async with asyncio.timeout(LIMIT_S), opened as call:
        tools = await call.tools()
        assert "fugue_run_parallel" in tools and len(tools) >= 30, sorted(tools)
        place = await call("fugue_whoami")
        assert not place.get("pane_id"), place
        pane = await type_and_read(call, name)
        await parallel(call)
        await pipeline(call)
        await layout(call, name)
        await cancel(call)
        await mistakes(call, pane)
        await side_by_side(call, pane)
        await call("fugue_close_pane", pane_id=pane)
        if "fugue_create_layout" in tools:
            await call("fugue_kill_session", session=name)
        left = await call("fugue_list_sessions")
        assert name not in str(left), left
    print(f"  {title}: {time.monotonic() - began:.1f} s", flush=True)


async def main():
    for over in ("stdio", "http"):
        if MODERN:
            for mode in ("auto", "legacy"):
                await work(f"{version('mcp')}-{over}-{mode}", new_client(over, mode))
        else:
            await work(f"{version('mcp')}-{over}", old_client(over))


asyncio.run(main())
