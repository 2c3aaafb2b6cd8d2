// A field of a form with its label, and what a server says of its value.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Fault } from "./fault";

interface Given {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: true;
}

interface Props {
  label: string;
  hint?: string | undefined;
  /** What is wrong with the value; empty for nothing. */
  fault?: Fault | undefined;
  children: (given: Given) => ComponentChildren;
}

export function Field({ label, hint, fault, children }: Props) {
  const id = useId();
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {children({ id, ...(described && { "aria-describedby": described }), ...(fault && { "aria-invalid": true as const }) })}
      {fault && (
        <span class="fault" id={`${id}-fault`}>
          {fault}
        </span>
      )}
    </div>
  );
}
