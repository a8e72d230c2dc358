import type { SecretValue } from "../../../core/secret-value.ts";

/**
 * The person, as plugins reach them. A method that throws answers the plugin with `fail`; most then give up with
 * an error of their own, and that is what is reported.
 */
export interface PluginUi {
  /** Something to read, such as "touch your key". */
  display(plugin: string, message: string): Promise<void>;
  /** Whether the first of two choices was taken; `no` is undefined when there is only one. */
  confirm(plugin: string, question: string, yes: string, no: string | undefined): Promise<boolean>;
  requestPublic(plugin: string, question: string): Promise<SecretValue>;
  requestSecret(plugin: string, question: string): Promise<SecretValue>;
}
