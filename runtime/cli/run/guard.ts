/**
 * Ends process groups when this process is gone without having ended them, as
 * after SIGKILL. A shell in a group of its own reads which groups to look after
 * from a pipe; the pipe closes when this process ends, however it does.
 */
import { spawn } from 'node:child_process';

/** How long programs have to finish once they are alone. */
const GRACE_SECONDS = 5;

const SCRIPT = `
trap '' INT TERM HUP QUIT
groups=' '
while read -r word pid; do
  case $word in
    watch) groups="$groups$pid " ;;
    release)
      case $groups in
        *" $pid "*) groups="\${groups%% $pid *} \${groups#* $pid }" ;;
      esac ;;
  esac
done
for pid in $groups; do kill -s TERM -- -"$pid" 2>/dev/null; done
left=${GRACE_SECONDS * 10}
while [ "$left" -gt 0 ]; do
  alive=
  for pid in $groups; do kill -s 0 -- -"$pid" 2>/dev/null && alive=1; done
  [ -n "$alive" ] || exit 0
  sleep 0.1
  left=$((left - 1))
done
for pid in $groups; do kill -s KILL -- -"$pid" 2>/dev/null; done
`;

export interface Guard {
  watch(pid: number): void;
  release(pid: number): void;
}

/** Lives as long as this process, without keeping it alive. */
export function startGuard(): Guard {
  const shell = spawn('sh', ['-c', SCRIPT, 'troupe-guard'], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a shell there is nothing that could be done for a command that is killed.
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref();
  return {
    watch: (pid) => void shell.stdin.write(`watch ${pid}\n`),
    release: (pid) => void shell.stdin.write(`release ${pid}\n`),
  };
}
