import json


def damaged(step):
    """A lemma about an operand that is not there."""
    if isinstance(step, list) and step[:1] == ["lemma"]:
        return ["lemma", step[1], [[7, g, proof] for _, g, proof in step[2]]]
    return [damaged(s) for s in step] if isinstance(step, list) else step


with open("certificate.json") as f:
    data = json.load(f)
for claim in data["claims"]:
    claim["script"] = damaged(claim["script"])
with open("certificate.json", "w") as f:
    json.dump(data, f)
