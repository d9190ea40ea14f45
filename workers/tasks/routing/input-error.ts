/** What is wrong with the input of a task, told to the user as it stands. */
export class InputError extends Error {
  static {
    this.prototype.name = 'InputError';
  }
  readonly code = 'INVALID_ARGUMENT';
}
