"""Holds requests and answers of `shortway` against Google's own protobuf messages.

Needs the package google-analytics-data. Requests must parse strictly, be what Google's own writer makes of
them, and have every field between them. Answers are drawn at random from the descriptors, cells without a value and
aggregates that are an empty object among them: what the crate writes after it has read one must be the same
message. Left out of the draw: metrics without a value in rows, which the crate refuses.
"""

import json
import random
import subprocess
import sys

from google.analytics import data_v1alpha, data_v1beta
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as Field

PROGRAM = sys.argv[1]
COUNT = 500  # answers of each kind

# Fields that are in the URL, by message.
IN_URL = {"property", "name", "parent", "page_size", "page_token", "requests"}

REQUESTS = [
    "RunReportRequest", "RunRealtimeReportRequest", "RunPivotReportRequest", "CheckCompatibilityRequest",
    "QueryAudienceExportRequest",
]
ANSWERS = [
    "RunReportResponse", "RunRealtimeReportResponse", "RunPivotReportResponse", "Metadata",
    "CheckCompatibilityResponse", "PropertyQuotasSnapshot", "AudienceExport", "ListAudienceExportsResponse",
    "QueryAudienceExportResponse",
]


def message(name):
    version = data_v1alpha if name == "PropertyQuotasSnapshot" else data_v1beta
    return getattr(version, name).pb()


def check_requests():
    lines = subprocess.run([PROGRAM, "requests"], check=True, capture_output=True, text=True).stdout.splitlines()
    seen, faults = set(), []
    for line in lines:
        name, text = line.split("\t", 1)
        ours = json.loads(text)
        parsed = json_format.ParseDict(ours, message(name)())
        theirs = json_format.MessageToDict(parsed)
        if theirs != ours:
            faults.append(f"{name}: Google's writer makes of it {theirs}, and we sent {ours}")
        collect(parsed, seen)
    for name in REQUESTS:
        wanted(message(name).DESCRIPTOR, name in REQUESTS, seen, faults, set())
    print(f"{len(lines)} requests parsed strictly, {len(seen)} fields seen")
    return faults


def collect(parsed, seen):
    for field, value in parsed.ListFields():
        seen.add(field.full_name)
        if field.type == Field.TYPE_MESSAGE:
            for item in value if field.is_repeated else [value]:
                collect(item, seen)


def wanted(descriptor, is_top, seen, faults, done):
    if descriptor.full_name in done:
        return
    done.add(descriptor.full_name)
    for field in descriptor.fields:
        if is_top and field.name in IN_URL:
            continue
        if field.full_name not in seen:
            faults.append(f"no request has the field {field.full_name}")
        if field.type == Field.TYPE_MESSAGE:
            wanted(field.message_type, False, seen, faults, done)


def text():
    alphabet = ["a", "Z", "0", " ", '"', "\\", "\n", "ä", "(other)", "😀", "\0", "{", "\u2028"]
    return "".join(random.choice(alphabet) for _ in range(random.choice([0, 1, 1, 5])))


def scalar(field):
    if field.type == Field.TYPE_STRING:
        return text()
    if field.type == Field.TYPE_BOOL:
        return random.random() < 0.5
    if field.type == Field.TYPE_ENUM:
        known = [value.number for value in field.enum_type.values]
        return random.choice(known + [0, 99, 2147483647, -1])
    if field.type in (Field.TYPE_DOUBLE, Field.TYPE_FLOAT):
        return random.choice([0.0, 1.0, 0.1, 1e300, -5e-324, float("inf"), -float("inf"), random.random()])
    bits = 63 if field.type == Field.TYPE_INT64 else 31
    return random.choice([0, 1, -1, 7, 2**bits - 1, -(2**bits), random.randrange(2**bits)])


def fill(found, depth=0):
    """Sets each field with a chance of two in three."""
    for field in found.DESCRIPTOR.fields:
        if random.random() < 1 / 3:
            continue
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
            getattr(found, field.name).FromMilliseconds(random.randrange(2**41))
        elif field.type == Field.TYPE_MESSAGE and field.is_repeated:
            for _ in range(random.choice([0, 1, 3])):
                fill(getattr(found, field.name).add(), depth + 1)
        elif field.type == Field.TYPE_MESSAGE:
            getattr(found, field.name).SetInParent()
            fill(getattr(found, field.name), depth + 1)
        elif field.is_repeated:
            getattr(found, field.name).extend(scalar(field) for _ in range(random.choice([0, 1, 3])))
        else:
            setattr(found, field.name, scalar(field))
    return found


def cells(values, width, unset=True):
    del values[:]
    for _ in range(width):
        cell = values.add()
        if not unset or random.random() < 7 / 8:
            cell.value = text()


def unset_cells(found):
    """How many cells without a value, and empty aggregates, a message has."""
    count = found.DESCRIPTOR.name in ("DimensionValue", "MetricValue", "AudienceDimensionValue", "Row")
    count = int(count and not found.ListFields())
    for field, value in found.ListFields():
        if field.type == Field.TYPE_MESSAGE:
            count += sum(unset_cells(item) for item in (value if field.is_repeated else [value]))
    return count


def consistent(name, found):
    """Makes an answer one that does not contradict itself: rows as wide as headers, names once, counts that fit."""
    if name in ("Metadata", "CheckCompatibilityResponse", "PropertyQuotasSnapshot", "AudienceExport"):
        return
    if name == "ListAudienceExportsResponse":
        return
    if name == "QueryAudienceExportResponse":
        dimensions = found.audience_export.dimensions if found.HasField("audience_export") else []
        for number, dimension in enumerate(dimensions):
            dimension.dimension_name = f"d{number}"
        for row in found.audience_rows:
            cells(row.dimension_values, len(dimensions) or 2)
        return
    for number, header in enumerate(found.dimension_headers):
        header.name = f"d{number}"
    for number, header in enumerate(found.metric_headers):
        header.name = f"m{number}"
    widths = len(found.dimension_headers), len(found.metric_headers)
    tables = ["rows", "aggregates"] if name == "RunPivotReportResponse" else ["rows", "totals", "maximums", "minimums"]
    for table in tables:
        rows = getattr(found, table)
        if table in ("totals", "maximums", "minimums"):
            del rows[1:]
        for row in rows:
            cells(row.dimension_values, widths[0])
            cells(row.metric_values, widths[1], unset=table != "rows")
        if table != "rows":
            kept = list(rows)
            del rows[:]
            for row in kept + [None]:
                for _ in range(random.choice([0, 0, 0, 1, 2])):
                    rows.add()
                if row is not None:
                    rows.add().CopyFrom(row)
    if name == "RunPivotReportResponse":
        for pivot in found.pivot_headers:
            for header in pivot.pivot_dimension_headers:
                cells(header.dimension_values, 2)
    else:
        found.row_count = random.choice([0, len(found.rows), len(found.rows) + 5]) if found.rows else 0
        if found.rows and found.row_count < len(found.rows):
            found.row_count = len(found.rows)
    found.kind = "analyticsData#" + name.removesuffix("Response").replace("Run", "run")


def check_answers():
    random.seed(20261125)
    drawn, lines = [], []
    for name in ANSWERS:
        for number in range(COUNT):
            found = message(name)()
            if number > 0:
                fill(found)
            consistent(name, found)
            as_numbers = number % 5 == 4
            body = json_format.MessageToJson(found, indent=None, use_integers_for_enums=as_numbers)
            drawn.append((name, found))
            lines.append(f"{name}\t{body}\n")
    ours = subprocess.run([PROGRAM, "answers"], check=True, capture_output=True, text=True, input="".join(lines))
    written = ours.stdout.split("\n")[: len(drawn)]
    faults = []
    unset = dict.fromkeys(ANSWERS, 0)
    for (name, found), line, asked in zip(drawn, written, lines, strict=True):
        if line.startswith("refused: "):
            faults.append(f"{name} is {line} for {asked}")
            continue
        unset[name] += unset_cells(found)
        back = json_format.Parse(line, message(name)())
        if back != found:
            faults.append(f"{name} differs:\n  read  {asked}  wrote {line}")
    for name in ANSWERS:
        print(f"{name}: {COUNT} answers, {unset[name]} cells without a value or empty aggregates in them")
    return faults


faults = check_requests() + check_answers()
for fault in faults[:10]:
    print(fault)
sys.exit(f"{len(faults)} differences from Google's messages" if faults else 0)
