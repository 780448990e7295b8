/** The manual page etcd-lb(1), as roff, made from the commands of the program and the table of settings. */
import type { Command, Option } from 'commander';
import { createProgram } from '../cli/program.ts';
import { version } from '../cli/version.ts';
import { envName, groups, type OptionSpec, options } from '../config/options.ts';

/** The page; read it with `man -l`. */
export function manual(): string {
  const program = createProgram();
  const help = program.createHelp();
  const commands = help.visibleCommands(program).filter((each) => each.name() !== 'help');
  return [
    `.TH ETCD-LB 1 "" "etcd-lb ${version}" "etcd-lb"`,
    '.SH NAME',
    `etcd\\-lb \\- ${escaped(sentence(program.description()))}`,
    '.SH SYNOPSIS',
    `\\fBetcd\\-lb\\fR \\fIcommand\\fR [\\fIflags\\fR]`,
    '.SH DESCRIPTION',
    ...paragraphs(about),
    '.SH COMMANDS',
    ...commands.flatMap((command) => aboutCommand(command, help.visibleOptions(command))),
    '.SH SETTINGS',
    ...paragraphs(aboutSettings),
    ...groups.flatMap((group) => [
      `.SS ${escaped(group)}`,
      ...options.filter((each) => each.group === group).flatMap(aboutSetting),
    ]),
    '.SH FILES',
    ...files.flatMap(([path, text]) => item(`\\fI${escaped(path)}\\fR`, text)),
    '.SH EXIT STATUS',
    ...paragraphs(aboutStatus),
    '.SH SEE ALSO',
    '\\fBetcd\\fR(1), \\fBetcdctl\\fR(1), \\fBkube\\-apiserver\\fR(1)',
    '',
  ].join('\n');
}

const about = [
  'It listens on one address, checks the health of the etcd members behind it, and sends each client connection to a healthy one. TLS passes through to etcd unless it is told otherwise.',
  'Run "etcd-lb check" with the settings of "etcd-lb run" first: it asks every member once, changes nothing, and says what is wrong and how to fix it.',
];

const aboutSettings = [
  'Each is a flag, a key of the configuration file, and an environment variable: "--check-interval 1s", "check-interval: 1s", "ETCD_LB_CHECK_INTERVAL=1s". A flag wins over the environment, which wins over the file.',
  'A reload changes those that are not marked as read at the start.',
];

const aboutStatus = [
  '0 if it ended as asked. Otherwise the error is one sentence on standard error; "etcd-lb help" and the name of a command tell of its own codes.',
];

const files = [
  ['/etc/etcd-lb/etcd-lb.yaml', 'The usual place of the configuration file; --config names it.'],
  ['/run/etcd-lb/admin.sock', 'Where a running balancer listens for commands.'],
  ['/var/lib/etcd-lb', 'The --state-dir of the units.'],
] as const;

/** Flags that change what the help shows. */
const ofHelp = ['help', 'all'];

function aboutCommand(command: Command, shown: readonly Option[]): string[] {
  const words = command.registeredArguments.map((each) =>
    each.required ? `<${each.name()}>` : `[${each.name()}]`,
  );
  const isSetting = new Set(options.map(({ name }) => name));
  const all = command.options.map((option) => option.name());
  const own = shown.filter(
    (option) => !ofHelp.includes(option.name()) && !isSetting.has(option.name()),
  );
  const settings = all.includes('endpoints') ? ['It takes the settings below.'] : [];
  return [
    ...item(
      `\\fBetcd\\-lb ${escaped([command.name(), ...words].join(' '))}\\fR`,
      [sentence(command.description(), '.'), ...settings].join(' '),
    ),
    ...(own.length === 0 ? [] : ['.RS']),
    ...own.flatMap((option) => item(`\\fB${escaped(option.flags)}\\fR`, option.description)),
    ...(own.length === 0 ? [] : ['.RE']),
  ];
}

function aboutSetting({ name, placeholder, help, default: value, fixed }: OptionSpec): string[] {
  const notes = [
    ...(value ? [`Default: ${value}.`] : []),
    ...(fixed ? ['Read at the start.'] : []),
    `${envName(name)}.`,
  ];
  const flag = `\\fB\\-\\-${escaped(name)}\\fR \\fI${escaped(placeholder)}\\fR`;
  return item(flag, [help, ...notes].join(' '));
}

/** A term, which is roff already, and the text that explains it. */
function item(term: string, text: string): string[] {
  return ['.TP', term, escaped(text)];
}

function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap((text) => ['.PP', escaped(text)]);
}

/** Without its full stop, or with another end. */
function sentence(text: string, end = ''): string {
  return text.replace(/\.$/, '') + end;
}

/** Text as roff prints it: no line is a request, and a hyphen stays one that can be copied into a shell. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/^(?=[.'])/, '\\&');
}
