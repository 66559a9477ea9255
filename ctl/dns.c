/* SPDX-License-Identifier: ISC */
/* posternctl dns: what to publish. */
#include "ctl/dns.h"

#include <stdlib.h>
#include <string.h>

#include "common/ascii.h"
#include "common/idn.h"
#include "ctl/ctl.h"
#include "ctl/dns_command.h"
#include "ctl/options.h"
#include "ctl/settings.h"

/* Prints one of the files; false: there is none of that name. */
static bool
print_file(const struct dns_facts *facts, const char *name)
{
	for (const struct dns_file *file = dns_files; file->name != NULL; file++) {
		char *text;

		if (strcmp(file->name, name) != 0)
			continue;
		text = file->text(facts);
		if (text != NULL)
			fputs(text, stdout);
		free(text);
		return true;
	}
	return false;
}

int
dns_command_parse(int argc, char **argv, const char *allowed, struct dns_command *command)
{
	static const struct option table[] = {{"address", required_argument, NULL, 'a'},
					      {"file", required_argument, NULL, 'f'},
					      {"json", no_argument, NULL, 'j'},
					      {"resolver", required_argument, NULL, 'r'},
					      {NULL, 0, NULL, 0}};
	static const char *const exclusive[] = {"jf", NULL};
	struct options options = {
	    .table = table, .allowed = allowed, .repeatable = "a", .exclusive = exclusive};
	int option;

	*command = (struct dns_command){.json = false};
	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option == '?' || (option == 'a' && command->address_count == DNS_ADDRESSES_MAX))
			return CTL_USAGE;
		if (option == 'a')
			command->addresses[command->address_count++] = optarg;
		else if (option == 'f')
			command->file = optarg;
		else if (option == 'r')
			command->resolver = optarg;
		else
			command->json = true;
	}
	if (argc - optind != 1)
		return CTL_USAGE;
	command->domain = argv[optind];
	return CTL_OK;
}

int
dns_command_facts(const struct dns_command *command, const struct configuration *conf,
		  struct dns_facts *facts, bool *incomplete, struct error *err)
{
	char domain[HOST_NAME_SIZE];

	if (idn_to_ascii(command->domain, domain, err) == -1)
		return error_prefix(err, "%s", command->domain);
	for (char *c = domain; *c != '\0'; c++)
		*c = ascii_lower(*c);
	if (!conf_has_domain(conf, domain))
		return error_set(err, "%s: not one of the domains in %s", domain, conf->path);
	return dns_facts_find(conf, domain, command->addresses, command->address_count, facts,
			      incomplete, err);
}

/* Returns an enum ctl_exit. */
static int
print(const struct dns_command *command, const struct dns_facts *facts)
{
	struct dns_plan plan;
	struct error err;
	int result;

	if (command->file != NULL) {
		if (print_file(facts, command->file))
			return CTL_OK;
		error_set(&err, "%s: not a file, these are: mta-sts, autoconfig, autodiscover",
			  command->file);
		return ctl_error(&err);
	}
	result = dns_plan_make(facts, &plan);
	if (result == -1) {
		error_set(&err, "no memory");
		result = ctl_error(&err);
	} else if (command->json) {
		dns_print_json(facts, &plan, stdout);
	} else {
		dns_print_zone(facts, &plan, stdout);
	}
	dns_plan_free(&plan);
	return result;
}

int
ctl_dns(int argc, char **argv)
{
	struct dns_command command;
	struct configuration *conf;
	struct dns_facts *facts;
	struct error err;
	bool incomplete = false;
	int result = dns_command_parse(argc, argv, "afj", &command);

	if (result != CTL_OK)
		return result;
	if ((conf = ctl_settings()) == NULL)
		return CTL_FAILED;
	facts = malloc(sizeof(*facts));
	if (facts == NULL)
		result = error_errno(&err, "the facts");
	else
		result = dns_command_facts(&command, conf, facts, &incomplete, &err);
	result = result == -1 ? ctl_error(&err) : print(&command, facts);
	free(facts);
	conf_free(conf);
	return result == CTL_OK && incomplete ? CTL_FAILED : result;
}
