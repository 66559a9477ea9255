/* SPDX-License-Identifier: ISC */
/* posternctl cert create: a key, a request and a self-signed certificate, made by certd. */
#include "ctl/cert.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/name.h"
#include "certd/subject.h"
#include "common/cert_name.h"
#include "ctl/cert_fields.h"
#include "ctl/ctl.h"

/* The options of the subject's fields are at their place in subject_fields[]. */
#define FIRST_FIELD 256

/* A field of subject_fields[] by its option, which getopt_long() gave as a number. */
static int
set_field(struct cert_fields *fields, int option, const char *text, struct error *err)
{
	const struct subject_field *field = &subject_fields[option - FIRST_FIELD];

	return subject_set(&fields->create.subject, field, text, err);
}

/* Returns CTL_OK, or what to exit with. */
static int
parse(int argc, char **argv, struct cert_fields *request, bool *yes)
{
	static const struct option options[] = {
	    {"name", required_argument, NULL, 'n'},
	    {"key", required_argument, NULL, 'k'},
	    {"days", required_argument, NULL, 'd'},
	    {"yes", no_argument, NULL, 'y'},
	    {"country", required_argument, NULL, FIRST_FIELD},
	    {"state", required_argument, NULL, FIRST_FIELD + 1},
	    {"locality", required_argument, NULL, FIRST_FIELD + 2},
	    {"organization", required_argument, NULL, FIRST_FIELD + 3},
	    {"unit", required_argument, NULL, FIRST_FIELD + 4},
	    {"common-name", required_argument, NULL, FIRST_FIELD + 5},
	    {"email", required_argument, NULL, FIRST_FIELD + 6},
	    {NULL, 0, NULL, 0}};
	struct error err;
	int option, result = 0;

	*yes = false;
	*request = (struct cert_fields){.create = {.key = CERT_KEY_RSA_2048, .days = CERT_DAYS}};
	while (result == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			result = cert_fields_name(request, optarg, &err);
		else if (option == 'k')
			result = cert_fields_key(request, optarg, &err);
		else if (option == 'd')
			result = cert_fields_days(request, optarg, &err);
		else if (option == 'y')
			*yes = true;
		else if (option >= FIRST_FIELD)
			result = set_field(request, option, optarg, &err);
		else
			return CTL_USAGE;
	}
	if (result == -1)
		return ctl_error(&err);
	if (argc - optind != 1)
		return CTL_USAGE;
	if (!cert_name_valid(argv[optind])) {
		error_set(&err, "%s: not a name for a certificate: " CERT_NAME_RULE, argv[optind]);
		return ctl_error(&err);
	}
	strlcpy(request->create.name, argv[optind], sizeof(request->create.name));
	return CTL_OK;
}

/* Without --name: the certificate's own name if it is a host's, else the server's. */
static int
default_name(struct cert_fields *request, const struct configuration *conf, struct error *err)
{
	const char *name = request->create.name;

	if (request->create.count > 0)
		return 0;
	/* A name without a dot is rather a label for the administrator ("web", "test"). */
	if (san_parse(name, NULL, NULL) == SAN_INVALID || strchr(name, '.') == NULL)
		name = conf->hostname;
	return cert_fields_name(request, name, err);
}

static void
print_result(const struct configuration *conf, const struct cert_channel *channel, const char *name,
	     const char *text)
{
	printf("In %s:\n%s\n", conf->certs, text);
	printf("For an authority: posternctl cert request %s\n", name);
	if (!cert_is_configured(conf, name))
		printf("Next: say certificate = \"%s\" at a listener in %s%s.\n", name, conf->path,
		       channel->running ? ", then posternctl reload" : "");
	else if (channel->running)
		puts("The server uses it from now on.");
	else
		puts("The server uses it from its next start on.");
}

static int
create(const struct configuration *conf, const struct conf_users *users,
       const struct cert_fields *request)
{
	const struct cert_request ask = {.type = CC_CREATE,
					 .body = &request->create,
					 .size = sizeof(request->create),
					 .tail = request->tail,
					 .length = request->length,
					 .fd = -1};
	char text[CERT_TEXT_MAX + 1];
	struct cert_channel channel;
	struct error err;
	int result;

	if (cert_channel_open(conf, users, &channel, &err) == -1)
		return ctl_error(&err);
	result = cert_ask(&channel, &ask, text, &err);
	if (result == 0)
		print_result(conf, &channel, request->create.name, text);
	cert_channel_close(&channel);
	return result == 0 ? CTL_OK : ctl_error(&err);
}

int
ctl_cert_create(int argc, char **argv)
{
	struct configuration *conf;
	struct conf_users users;
	struct cert_fields request;
	bool yes;
	struct error err;
	int result = parse(argc, argv, &request, &yes);

	if (result != CTL_OK)
		return result;
	conf = cert_configuration(&users);
	if (conf == NULL)
		return CTL_FAILED;
	/* Somebody who can be asked, and has not said that nothing is to be asked. */
	yes = yes || isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1;
	if (default_name(&request, conf, &err) == -1 ||
	    (!yes && cert_fields_ask(&request, stdin, stdout, &err) == -1))
		result = ctl_error(&err);
	else
		result = create(conf, &users, &request);
	conf_free(conf);
	return result;
}
