// Asks a YAML language server about manifests as an editor does. stdin: {"folder", "schemas": {URL: glob}, "questions": [{"file", "text",
// "ask": "completion"|"hover"|"diagnostics", "line", "character"}]}; stdout: one answer for each: labels, text, messages.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const rpc = createRequire(require.resolve("yaml-language-server/package.json"))("vscode-jsonrpc/node");

const { folder, schemas, questions } = JSON.parse(readFileSync(0, "utf8"));
const root = pathToFileURL(folder).href;
const server = spawn(process.execPath, [require.resolve("yaml-language-server/bin/yaml-language-server"), "--stdio"]);
server.stderr.pipe(process.stderr);
const connection = rpc.createMessageConnection(new rpc.StreamMessageReader(server.stdout), new rpc.StreamMessageWriter(server.stdin));
const settings = { yaml: { schemas, validate: true, hover: true, completion: true, schemaStore: { enable: false } } };
const waiting = new Map();
connection.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }) => waiting.get(uri)?.(diagnostics));
connection.onRequest("workspace/configuration", ({ items }) => items.map(({ section }) => settings[section] ?? null));
connection.onRequest("client/registerCapability", () => null);
connection.listen();

await connection.sendRequest("initialize", {
  processId: process.pid,
  rootUri: root,
  workspaceFolders: [{ uri: root, name: "project" }],
  capabilities: { textDocument: { completion: { completionItem: { documentationFormat: ["markdown"] } }, hover: { contentFormat: ["markdown"] } }, workspace: { configuration: true } },
});
connection.sendNotification("initialized", {});
connection.sendNotification("workspace/didChangeConfiguration", { settings });

const answers = [];
for (const q of questions) {
  const uri = pathToFileURL(join(folder, q.file)).href;
  const published = new Promise((resolve) => waiting.set(uri, resolve));
  connection.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text: q.text } });
  const diagnostics = await published;
  const at = { textDocument: { uri }, position: { line: q.line, character: q.character } };
  switch (q.ask) {
    case "completion": {
      const { items } = await connection.sendRequest("textDocument/completion", at);
      answers.push(items.map((i) => `${i.label}: ${i.documentation?.value ?? i.documentation ?? ""}`));
      break;
    }
    case "hover": {
      const hover = await connection.sendRequest("textDocument/hover", at);
      answers.push([hover?.contents?.value ?? ""]);
      break;
    }
    default:
      answers.push(diagnostics.map((d) => `${d.range.start.line}: ${d.message}`));
  }
  connection.sendNotification("textDocument/didClose", { textDocument: { uri } });
}
process.stdout.write(JSON.stringify(answers));
server.kill();
process.exit(0);
