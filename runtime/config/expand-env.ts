/**
 * `$NAME` and `${NAME}` in a text, as Go's os.ExpandEnv has them: a variable
 * that is not set becomes nothing, a dollar without a name stays.
 */
export function expandEnv(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(
    /\$(?:\{([^}]*)\}|(\d|[A-Za-z_]\w*|[*#$@!?-]))/g,
    (_whole, braced: string | undefined, plain: string | undefined) =>
      env[braced ?? plain ?? ''] ?? '',
  );
}
