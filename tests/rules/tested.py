"""Each alert is seen to fire in one unit test and to keep quiet in another."""
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
RULES = (HERE / "../../helm/sidestep/files/rules.yaml").read_text()
TESTS = (HERE / "tests.yaml").read_text()

alerts = re.findall(r"- alert: (\w+)", RULES)
fires = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", TESTS))
quiet = set(re.findall(r"alertname: (\w+), exp_alerts: \[\]", TESTS))
missing = [alert for alert in alerts if alert not in fires or alert not in quiet]
assert alerts and not missing, f"no test in which it fires and one in which it does not: {missing}"
assert len(alerts) == len(set(alerts)), "an alert stands twice"
for alert, rest in re.findall(r"- alert: (\w+)\n(.*?)(?=\n      - alert|\n\n|\Z)", RULES, re.S):
    assert all(f"{key}:" in rest for key in ("severity", "summary", "description")), alert
    assert "$value" in rest, f"{alert}: a description without a number"
    page, anchor = re.search(r"runbook_url: (\S+)#(\S+)", rest).groups()
    sections = re.findall(r"^#+ (\w+)$", (HERE / "../.." / page).read_text(), re.M)
    assert alert in sections and anchor == alert.lower(), f"{page} says nothing of {alert}"
told = set(re.findall(r"^## (Sidestep\w+)$", (HERE / "../../deploy/docs/alerts.md").read_text(), re.M))
assert told == set(alerts), f"no alert of this name: {told - set(alerts)}"
print(f"{len(alerts)} alerts, each seen to fire and to keep quiet")
