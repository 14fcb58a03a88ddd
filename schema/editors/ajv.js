// Holds documents against the generated schemas with ajv. stdin: {"schemas": {KIND: schema}, "documents": [{"kind", "document"}]};
// stdout: for each document true or false. Formats are dcsync's own and mean nothing to it, as in any editor.
import Ajv2020 from "ajv/dist/2020.js";
import { readFileSync } from "node:fs";

const { schemas, documents } = JSON.parse(readFileSync(0, "utf8"));
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false });
const validators = Object.fromEntries(Object.entries(schemas).map(([kind, schema]) => [kind, ajv.compile(schema)]));
process.stdout.write(JSON.stringify(documents.map(({ kind, document }) => validators[kind](document))));
