/* SPDX-License-Identifier: ISC */
/* postern(8): the command line. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/master.h"
#include "master/sink.h"

#ifdef SANITIZED
/* libconfig 1.5 loses a string that is unfinished when it finds an error. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}
#endif

#define DEFAULT_CONF SYSCONFDIR "/postern/postern.conf"

struct command {
	struct master_options options;
	bool check_only;
};

static _Noreturn void
usage(void)
{
	fprintf(stderr,
		"usage: postern [-dt] [-f file] [-L folder] [-l stderr | syslog | journal]\n");
	exit(2);
}

static void
parse_arguments(int argc, char **argv, struct command *command)
{
	int option;

	command->options = (struct master_options){.conf = DEFAULT_CONF, .libexec = LIBEXECDIR};
	command->check_only = false;
	while ((option = getopt(argc, argv, "df:L:l:t")) != -1) {
		switch (option) {
		case 'd':
			command->options.debug = true;
			break;
		case 'f':
			command->options.conf = optarg;
			break;
		case 'L':
			command->options.libexec = optarg;
			break;
		case 'l':
			if (log_format_parse(optarg, &command->options.log) == -1)
				usage();
			command->options.log_given = true;
			break;
		case 't':
			command->check_only = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
}

static void
print_certificates(const struct conf_listener *l)
{
	for (size_t i = 0; i < l->certificates.count; i++)
		printf("%s%s", i == 0 ? " certificate=" : ",", l->certificates.name[i]);
	if (l->certificates.count == 0)
		fputs(" certificate=(for hostname)", stdout);
	if (l->sni != SNI_ANY)
		printf(" sni=%s", conf_sni_modes[l->sni]);
	if (l->weak)
		fputs(" weak", stdout);
}

static void
print_listeners(const struct configuration *conf)
{
	char text[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		for (size_t j = 0; j < l->address_count; j++) {
			printf("%-10s %-24s tls=%s", conf_services[l->service],
			       endpoint_text(&l->addresses[j], text), conf_tls_modes[l->tls]);
			if (l->tls != TLS_NONE)
				print_certificates(l);
			putchar('\n');
		}
	}
}

/* postern -t */
static int
check(const struct command *command)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf = conf_load(command->options.conf, &problems);
	bool good;

	if (conf != NULL) {
		struct conf_users users;

		conf_find_users(conf, &users, &problems);
		conf_check_file(conf, &problems);
		conf_check_certificates(conf, &users, &problems);
		conf_check_clients(conf, &users, &problems);
		conf_check_relay(conf, &problems);
	}
	conf_problems_print(&problems, stderr);
	good = conf != NULL && problems.errors == 0;
	if (good) {
		printf("%s is good; it listens on:\n", conf->path);
		print_listeners(conf);
	}
	conf_problems_free(&problems);
	conf_free(conf);
	return good ? 0 : 1;
}

/* Descriptors 0, 1 and 2 are there, whoever started us: 2 is the log, and a socket must not be. */
static void
open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static struct configuration *
load(const struct command *command)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf = conf_load(command->options.conf, &problems);

	conf_problems_log(&problems);
	conf_problems_free(&problems);
	return conf;
}

/* Until the configuration is read. Nothing is connected to syslog yet. */
static enum log_format
first_format(const struct command *command)
{
	if (command->options.log_given && command->options.log != LOG_FORMAT_SYSLOG)
		return command->options.log;
	return sink_default();
}

/* A relative path of the command line means what it meant when the server was started. */
static const char *
absolute(const char *path)
{
	char *resolved = realpath(path, NULL);

	return resolved != NULL ? resolved : path;
}

int
main(int argc, char **argv)
{
	static struct master master;
	static struct command command;
	struct configuration *conf;
	struct error err;
	int status = 1;

	open_standard_descriptors();
	setproctitle("master");
	parse_arguments(argc, argv, &command);
	if (command.check_only)
		return check(&command);
	log_init("postern", first_format(&command));
	if (command.options.debug)
		log_set_level(LOG_DEBUG);
	command.options.libexec = absolute(command.options.libexec);
	command.options.conf = absolute(command.options.conf);
	conf = load(&command);
	if (conf == NULL)
		return 1;
	if (!command.options.debug)
		log_set_level((int)conf->log_level);
	if (sink_open(command.options.log_given ? command.options.log : sink_configured(conf),
		      &err) == -1)
		log_fatal("log.failed", "%s", err.text);
	if (master_start(&master, &command.options, conf) == 0)
		status = master_run(&master);
	master_free(&master);
	return status;
}
