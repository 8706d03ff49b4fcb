import json


def damaged(step):
    """A lemma that forgets which of its operands are equal."""
    if isinstance(step, list) and step[:1] == ["lemma"]:
        return ["lemma", step[1], []]
    return [damaged(s) for s in step] if isinstance(step, list) else step


with open("certificate.json") as f:
    data = json.load(f)
for claim in data["claims"]:
    claim["script"] = damaged(claim["script"])
with open("certificate.json", "w") as f:
    json.dump(data, f)
