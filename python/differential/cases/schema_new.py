"""Schema new."""

def run(dlt, workdir):
    s = dlt.Schema("mine"); return [s.name, sorted(s.tables), s.version_hash, s.settings["detections"] if "detections" in s.settings else dlt.Schema("mine").to_dict()["settings"]["detections"]]
