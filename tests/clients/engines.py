"""Rego and CEL in engines of their own, and YAML by another reader: jobs.json in, answers.json out, in this folder."""

import json
import sys

sys.path.insert(0, sys.argv[1])

import cel
import yaml
from regopy import Interpreter


def rego(job):
    rows = []
    engine = Interpreter()
    engine.add_module("policy", job["module"])
    # This engine compares escapes as they are written, so that data and input have to be written by one writer.
    engine.add_data_json(json.dumps(json.loads(job["data"])))
    # Compiled once: asking anew each time takes twenty times as long.
    bundle = engine.build("x = data.catalogue.policy.decision; y = data.catalogue.policy.allow", [])
    for call in job["calls"]:
        engine.set_input_term(json.dumps(call))
        output = engine.query_bundle(bundle)
        bindings = json.loads(str(output))["bindings"]
        rows.append([bindings["x"], bindings["y"]])
    return rows


def agentgateway(job):
    rules = yaml.safe_load(job["document"])["mcp"]["policies"]["mcpAuthorization"]["rules"]
    programs = [cel.compile(rule) for rule in rules]
    rows = []
    for call in job["calls"]:
        tool = {"target": call["server"], "name": call["tool"]}
        rows.append(any(p.execute({"mcp": {"tool": tool}}) is True for p in programs))
    return rows


def read(job):
    return yaml.safe_load(job["document"])


kinds = {"rego": rego, "agentgateway": agentgateway, "yaml": read}
jobs = json.load(open("jobs.json", encoding="utf-8"))
json.dump([kinds[job["kind"]](job) for job in jobs], open("answers.json", "w", encoding="utf-8"))
