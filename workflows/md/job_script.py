"""The job script of a segment: the program's own, or a template of the user's."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass

from dualion.structures.errors import InputError
from dualion.workflows.campaign.screening_options import known_name
from dualion.workflows.execution.job_script import (
    environment_lines,
    make_request,
    render_header,
    render_script,
)
from dualion.workflows.execution.schedulers import ArrayScheduler, JobRequest
from dualion.workflows.execution.schedulers.base import job_name
from dualion.workflows.execution.submission import Submission
from dualion.workflows.md.folder import MdFolder

PLACEHOLDERS = (
    "header", "prologue", "command", "job_name", "walltime", "cores", "gpus", "array", "index",
    "dependency", "queue", "account", "folder", "log",
)  # fmt: skip
"""Names that a script template may use, in double braces."""

NEEDED = ("header", "command")
START = "DUALION_BEGUN=$(date +%s)"
"""The clock of a segment starts before modules are loaded and caches are filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentJob:
    """What the arrays of one submission have in common.

    Attributes:
        folder: whose runs they take on.
        system: the batch system.
        submission: where the scripts lie.
        elements: jobs of each array.
        walltime: of a job, HH:MM:SS.
        limit_s: computing time of a segment, s.
        template: text of the user's own script; None for the program's.
    """

    folder: MdFolder
    system: ArrayScheduler
    submission: Submission
    elements: int
    walltime: str
    limit_s: int
    template: str | None


def render_segment(job: SegmentJob, number: int, after: str) -> str:
    """Text of the script of one array.

    Args:
        job: what all arrays have in common.
        number: of the segment, from 1.
        after: id of the array that has to end first; empty for none.
    """
    block, folder = job.folder.block, job.submission.folder
    request = make_request(
        job.folder.cluster,
        name=f"{job.folder.name}-md",
        log=f"segment-{number:02d}-{{index}}.log",
        cores=block.cores,
        gpus=block.gpus,
        walltime=job.walltime,
        elements=job.elements,
        after=after,
    )
    prologue = environment_lines(job.folder.cluster, threads=block.cores)
    if job.template is None:
        return render_script(job.system, request, folder, [START, *prologue, segment_command(job)])
    values = _placeholder_values(job, request)
    values["prologue"] = "\n".join([START, *prologue])
    return fill_template(job.template, values)


def _placeholder_values(job: SegmentJob, request: JobRequest) -> dict[str, str]:
    block, cluster, folder = job.folder.block, job.folder.cluster, job.submission.folder
    return {
        "header": render_header(job.system, request, folder),
        "command": segment_command(job),
        "job_name": job_name(request.name),
        "walltime": job.walltime,
        "cores": str(block.cores),
        "gpus": str(block.gpus),
        "array": f"1-{job.elements}",
        "index": job.system.element_number(),
        "dependency": job.system.dependency(request.after) if request.after else "",
        "queue": cluster.queue or "",
        "account": cluster.project or "",
        "folder": shlex.quote(str(folder)),
        "log": str(folder / job.system.log_name(request)),
    }


def segment_command(job: SegmentJob) -> str:
    """Shell lines that take on the runs of one element."""
    block = job.folder.block
    words = [
        sys.executable, "-m", "dualion.workflows.md.run.job",
        "--list", str(job.submission.folder / "runs.txt"),
        "--cores", str(block.cores), "--gpus", str(block.gpus), "--device", block.device,
        "--limit-s", str(job.limit_s), "--checkpoint-s", f"{block.checkpoint_s:g}",
    ]  # fmt: skip
    if block.launcher:
        words += ["--launcher", shlex.join(block.launcher)]
    return (
        f': "${{{START.partition("=")[0]}:=$(date +%s)}}"\nexec {shlex.join(words)} '
        f'--element "{job.system.element_number()}" --job "${job.system.job_variable}" '
        '--begun "$DUALION_BEGUN"'
    )


def read_template(folder: MdFolder) -> str | None:
    """The user's own script, checked.

    Raises:
        InputError: it cannot be read, lacks the command, or names what is not known.
    """
    if folder.block.template is None:
        return None
    path = folder.path / folder.block.template.expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The script template {path} cannot be read ({error}).") from error
    names = re.findall(r"\{\{\s*(\w+)\s*\}\}", text)
    for name in names:
        known_name("placeholder", name, PLACEHOLDERS)
    for needed in NEEDED:
        if needed not in names:
            raise InputError(f"The script template {path} lacks {{{{{needed}}}}}; add it.")
    return text


def fill_template(template: str, values: dict[str, str]) -> str:
    """Replace the placeholders of a template; nothing in it is evaluated.

    Args:
        template: with names in double braces.
        values: name → text.
    """
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: values[found.group(1)], template)
