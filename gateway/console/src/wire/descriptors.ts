// What the runtime of protobuf has to know of messages and services, from the short text that
// `tools/descriptors.mjs` makes of a file when the console is built. It stands in for the
// runtime's own `fileDesc`, which reads the whole description of a file at each start and
// brings with it what reads descriptions of any kind.

/** As the runtime names them; only what it asks for while it reads and writes bytes. */
interface Field {
  kind: "field";
  name: string;
  localName: string;
  number: number;
  parent: Message;
  fieldKind: "scalar" | "enum" | "message" | "list" | "map";
  listKind?: Field["fieldKind"];
  mapKind?: Field["fieldKind"];
  mapKey?: number;
  scalar?: number;
  message?: Message | undefined;
  enum?: typeof ANY_ENUM;
  packed: boolean;
  presence: number;
  utf8Validation: true;
  longAsString: false;
  delimitedEncoding: false;
  getDefaultValue: () => undefined;
}

interface Message {
  kind: "message";
  typeName: string;
  file: File;
  fields: Field[];
  members: Field[];
  field: Record<string, Field>;
  nestedMessages: Message[];
  toString: () => string;
}

interface Service {
  kind: "service";
  typeName: string;
  methods: object[];
  method: Record<string, object>;
}

interface File {
  edition: number;
  messages: Message[];
  enums: [];
  services: Service[];
}

const PROTO3 = 999;
const [EXPLICIT, IMPLICIT] = [1, 2];
/** Types as protobuf numbers them. */
const [STRING, MESSAGE, BYTES, ENUM] = [9, 11, 12, 14];
/** In proto3 every number is one of an enumeration, and the first one is zero. */
const ANY_ENUM = { open: true, values: [{ number: 0 }] };
const messages = new Map<string, Message>();

/** The kind of a value by its type, which is a number, or the name of a message. */
function typed(type: string) {
  const number = Number(type) || MESSAGE;
  const kind = number === MESSAGE ? ("message" as const) : number === ENUM ? ("enum" as const) : ("scalar" as const);
  const of: Pick<Field, "enum" | "message" | "scalar"> = kind === "message" ? { message: messages.get(type) } : kind === "enum" ? { enum: ANY_ENUM } : { scalar: number };
  return { kind, ...of };
}

function fieldOf(text: string, before: number, parent: Message): Field {
  const [, number, localName = "", mark, type = String(STRING), value] = /^(\d*)([a-zA-Z]\w*)([?*]?)(?::([^,]+))?(?:,(.+))?$/.exec(text) ?? [];
  const { kind, ...of } = typed(value ?? type);
  const isPackable = kind !== "message" && of.scalar !== STRING && of.scalar !== BYTES;
  return {
    kind: "field",
    name: localName,
    localName,
    number: Number(number) || before + 1,
    parent,
    presence: mark === "?" || (kind === "message" && !mark && !value) ? EXPLICIT : IMPLICIT,
    packed: mark === "*" && isPackable,
    utf8Validation: true,
    longAsString: false,
    delimitedEncoding: false,
    getDefaultValue: () => undefined,
    ...of,
    ...(value ? { fieldKind: "map", mapKind: kind, mapKey: Number(type) } : mark === "*" ? { fieldKind: "list", listKind: kind } : { fieldKind: kind }),
  };
}

/** `List Watch>`: names of methods; `>` is a stream of answers. */
function serviceOf(typeName: string, methods: string[], within: string): Service {
  const service: Service = { kind: "service", typeName, methods: [], method: {} };
  for (const text of methods) {
    const name = text.replace(">", "");
    const localName = name.charAt(0).toLowerCase() + name.slice(1);
    const [input, output] = [messages.get(`${within}${name}Request`), messages.get(`${within}${name}Response`)];
    const method = { kind: "rpc", name, localName, parent: service, methodKind: name === text ? "unary" : "server_streaming", input, output };
    service.methods.push(method);
    service.method[localName] = method;
  }
  return service;
}

/** A file as `tools/descriptors.mjs` writes it: its package, then a line for each message and service. */
export function fileDesc(text: string): File {
  const [within = "", ...lines] = text.split("\n");
  const file: File = { edition: PROTO3, messages: [], enums: [], services: [] };
  const named = (name: string) => (name.startsWith(".") ? within + name.slice(1) : name);
  const made = lines.map((line) => {
    const [name = "", ...parts] = line.split(" ");
    const typeName = within + name.slice(1);
    const message: Message = { kind: "message", typeName, file, fields: [], members: [], field: {}, nestedMessages: [], toString: () => typeName };
    return { name, typeName, parts, message };
  });
  for (const { name, typeName, message } of made) {
    if (name[0] === "/") continue;
    messages.set(typeName, message);
    // `-` is one that stands within the one before it.
    (name[0] === "-" ? file.messages.at(-1)?.nestedMessages : file.messages)?.push(message);
  }
  for (const { name, typeName, parts, message } of made) {
    if (name[0] === "/") file.services.push(serviceOf(typeName, parts, within));
    else {
      for (const part of parts) {
        const field = fieldOf(part.replace(/([:,])(\..+)$/, (_, sign: string, type: string) => sign + named(type)), message.fields.at(-1)?.number ?? 0, message);
        message.fields.push(field);
        message.field[field.localName] = field;
      }
      message.members = message.fields;
    }
  }
  return file;
}
