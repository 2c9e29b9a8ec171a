"""Documents against a JSON schema of their target, by a validator that is not ours: jobs.json in, answers.json out, in this folder."""

import json
import sys

sys.path.insert(0, sys.argv[1])

import jsonschema
import tomllib
import yaml


def closed(schema):
    """A resource's schema with unknown keys refused, as a server does that is asked to be strict."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    all_keys = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            all_keys["additionalProperties"] = False
    return all_keys


def schema_of(job):
    text = open(job["schema"], encoding="utf-8").read()
    if not job["schema"].endswith((".yaml", ".yml")):
        return json.loads(text)
    # A definition of a resource: the schema of the version that the document names.
    definition = next(d for d in yaml.safe_load_all("\n".join(l for l in text.split("\n") if not l.startswith("{{"))) if d)
    version = job["version"]
    served = next(v for v in definition["spec"]["versions"] if v["name"] == version and v["served"])
    schema = closed(served["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def problems(job):
    read = {"json": json.loads, "yaml": yaml.safe_load, "toml": tomllib.loads}[job["kind"]]
    schema = schema_of(job)
    validator = jsonschema.validators.validator_for(schema)(schema)
    validator.check_schema(schema)
    said = []
    for document in job["documents"]:
        found = sorted(validator.iter_errors(read(document)), key=lambda e: list(map(str, e.absolute_path)))
        said.append([f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in found])
    return said


jobs = json.load(open("jobs.json", encoding="utf-8"))
json.dump([problems(job) for job in jobs], open("answers.json", "w", encoding="utf-8"))
