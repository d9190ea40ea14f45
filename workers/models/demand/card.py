"""The model card: what is measured is filled in by the run that measured it."""
import hashlib


def table(result):
    lines = ["| forecast | WAPE | MAE | sum against what was sold |", "|---|---|---|---|"]
    best = min(error["wape"] for error in result["errors"].values())
    for name, error in result["errors"].items():
        mark = "**" if error["wape"] == best else ""
        lines.append(
            f"| {name} | {mark}{error['wape']:.4f}{mark} | {error['mae']:.3f} | {error['bias']:+.0%} |"
        )
    return "\n".join(lines)


def write_card(folder, sales, results, run):
    content = run["content"]
    week = results["week"]
    facts = {
        "data_hash": sales.hash,
        "files": sales.files,
        "first_day": sales.days[0],
        "last_day": sales.days[-1],
        "held_back": sales.days[-6],
        "last_trained": sales.days[-7],
        "codes": f"{len(sales.codes):,}",
        "rows": f"{results['day']['rows']:,}",
        "week_rows": f"{week['rows']:,}",
        "units": f"{week['units']:,}",
        "new_units": f"{week['unitsOfNewCodes']:,}",
        "day": table(results["day"]),
        "week": table(week),
        "bytes": f"{len(content):,}",
        "hash": hashlib.sha256(content).hexdigest(),
        "difference": f"{run['difference']:.1e}",
        "choice": ", ".join(f"{name} {value}" for name, value in run["choice"].items()),
    }
    template = (folder / "card.template.md").read_text()
    (folder / "card.md").write_text(template.format(**facts))
