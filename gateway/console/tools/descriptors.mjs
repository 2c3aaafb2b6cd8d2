// Writes what a generated file knows of its messages and services as a short text, from which
// `src/wire/descriptors.ts` has it again. What the text has no words for fails the build.

import { fromBinary } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

const camel = (name) => name.replace(/_+([a-z\d])/g, (_, letter) => letter.toUpperCase());

function fail(of, what) {
  throw new Error(`${of.name}: ${what} has no words in tools/descriptors.mjs`);
}

/** A scalar by its number; a message by its name, which begins with a dot in its own package. */
function typeOf({ type, typeName }, within) {
  if (type === Type.GROUP) fail({ name: typeName }, "a group");
  if (type !== Type.MESSAGE) return String(type);
  const name = typeName.slice(1);
  return name.startsWith(within) ? `.${name.slice(within.length)}` : name;
}

function fieldOf(field, before, message, within) {
  if (field.oneofIndex !== undefined && Object.hasOwn(field, "oneofIndex") && !field.proto3Optional) fail(field, "a choice of fields");
  const number = field.number === before + 1 ? "" : String(field.number);
  const entry = message.nestedType.find(({ name, options }) => options?.mapEntry && field.typeName.endsWith(`.${message.name}.${name}`));
  if (entry) return `${number}${camel(field.name)}:${entry.field.map((one) => typeOf(one, within)).join(",")}`;
  const mark = field.label === Label.REPEATED ? "*" : field.proto3Optional ? "?" : "";
  const type = typeOf(field, within);
  return `${number}${camel(field.name)}${mark}${type === String(Type.STRING) ? "" : `:${type}`}`;
}

function linesOf(message, within, mark, before = "") {
  if (message.extension.length > 0) fail(message, "an extension");
  const fields = message.field.map((field, at) => fieldOf(field, message.field[at - 1]?.number ?? 0, message, within));
  const nested = message.nestedType.filter(({ options }) => !options?.mapEntry);
  if (mark === "-" && nested.length > 0) fail(message, "a message two levels down");
  const name = `${before}${message.name}`;
  return [[`${mark}${name}`, ...fields].join(" "), ...nested.flatMap((one) => linesOf(one, within, "-", `${name}.`))];
}

function lineOf({ name, method }, within) {
  const methods = method.map((one) => {
    const fits = one.inputType === `.${within}${one.name}Request` && one.outputType === `.${within}${one.name}Response`;
    if (!fits || one.clientStreaming) fail(one, "such a method");
    return `${one.name}${one.serverStreaming ? ">" : ""}`;
  });
  return [`/${name}`, ...methods].join(" ");
}

/** The text of a file's description, which is in base64. */
export function short(base64) {
  const file = fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, "base64"));
  if (file.syntax !== "proto3" || file.extension.length > 0) fail(file, "such a file");
  const within = `${file.package}.`;
  const messages = file.messageType.flatMap((message) => linesOf(message, within, "+"));
  return [within, ...messages, ...file.service.map((service) => lineOf(service, within))].join("\n");
}
