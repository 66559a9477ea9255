/* SPDX-License-Identifier: ISC */
/* From the command line to a command of the table. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

struct ctl_options ctl_options = {.conf = SYSCONFDIR "/postern/postern.conf",
				  .libexec = LIBEXECDIR};

int
ctl_error(const struct error *err)
{
	fprintf(stderr, "posternctl: %s\n", err->text);
	return CTL_FAILED;
}

static void
print_command(FILE *out, const struct ctl_command *command)
{
	fprintf(out, "posternctl %s", command->noun);
	if (command->verb != NULL)
		fprintf(out, " %s", command->verb);
	if (command->usage[0] != '\0')
		fprintf(out, " %s", command->usage);
	fputc('\n', out);
}

/* All commands, or those of one noun. */
static void
print_commands(FILE *out, const struct ctl_command *table, const char *noun)
{
	for (const struct ctl_command *c = table; c->noun != NULL; c++) {
		if (noun != NULL && strcmp(noun, c->noun) != 0)
			continue;
		fputs("  ", out);
		print_command(out, c);
		fprintf(out, "        %s\n", c->about);
	}
}

static int
help(const struct ctl_command *table)
{
	fputs("usage: posternctl [-v] [-f CONF] [-L DIR] COMMAND\n\n", stdout);
	print_commands(stdout, table, NULL);
	fputs("  posternctl help | --version\n", stdout);
	return CTL_OK;
}

static bool
known_noun(const struct ctl_command *table, const char *noun)
{
	for (const struct ctl_command *c = table; c->noun != NULL; c++) {
		if (strcmp(c->noun, noun) == 0)
			return true;
	}
	return false;
}

static int
unknown(const struct ctl_command *table, int argc, char **argv)
{
	if (!known_noun(table, argv[0])) {
		fprintf(stderr, "posternctl: no command '%s'; see posternctl help\n", argv[0]);
		return CTL_USAGE;
	}
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_commands(stdout, table, argv[0]);
		return CTL_OK;
	}
	if (argc > 1)
		fprintf(stderr, "posternctl: no command '%s %s', but these:\n", argv[0], argv[1]);
	else
		fprintf(stderr, "posternctl: %s what?\n", argv[0]);
	print_commands(stderr, table, argv[0]);
	return CTL_USAGE;
}

/* The command that ARGV begins with, or NULL. */
static const struct ctl_command *
find(const struct ctl_command *table, int argc, char **argv)
{
	for (const struct ctl_command *c = table; c->noun != NULL; c++) {
		if (strcmp(c->noun, argv[0]) != 0)
			continue;
		if (c->verb == NULL || (argc > 1 && strcmp(c->verb, argv[1]) == 0))
			return c;
	}
	return NULL;
}

static int
run(const struct ctl_command *command, int argc, char **argv)
{
	int code;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs("usage: ", stdout);
			print_command(stdout, command);
			printf("        %s\n", command->about);
			return CTL_OK;
		}
	}
	optind = 0; /* glibc: start afresh, reading the option string anew */
	code = command->run(argc, argv);
	if (code == CTL_USAGE) {
		fputs("usage: ", stderr);
		print_command(stderr, command);
	}
	return code == CTL_UNDONE ? CTL_USAGE : code;
}

int
ctl_run(const struct ctl_command *table, int argc, char **argv)
{
	const struct ctl_command *command;
	int option;

	while ((option = getopt(argc, argv, "+f:L:vh-:")) != -1) {
		if (option == 'f')
			ctl_options.conf = optarg;
		else if (option == 'L')
			ctl_options.libexec = optarg;
		else if (option == 'v')
			ctl_options.verbose = true;
		else if (option == 'h' || (option == '-' && strcmp(optarg, "help") == 0))
			return help(table);
		else if (option == '-' && strcmp(optarg, "version") == 0)
			return printf("posternctl %s\n", PACKAGE_VERSION) < 0;
		else {
			fputs("usage: posternctl [-v] [-f CONF] [-L DIR] COMMAND; see posternctl "
			      "help\n",
			      stderr);
			return CTL_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc == 0) {
		fputs("posternctl: which command? See posternctl help\n", stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help(table);
	command = find(table, argc, argv);
	if (command == NULL)
		return unknown(table, argc, argv);
	if (command->verb != NULL) {
		argc--;
		argv++;
	}
	return run(command, argc, argv);
}
