/* SPDX-License-Identifier: ISC */
/* posternctl cert create: a key, a request and a self-signed certificate, made by certd. */
#include "ctl/cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/name.h"
#include "certd/subject.h"
#include "common/cert_name.h"
#include "ctl/cert_fields.h"
#include "ctl/ctl.h"
#include "ctl/options.h"

/* The options of the subject's fields are at their place in subject_fields[]. */
#define FIRST_FIELD 256

/* A field of subject_fields[] by its option, which options_next() gave as a number. */
static int
set_field(struct cert_fields *fields, int option, const char *text, struct error *err)
{
	const struct subject_field *field = &subject_fields[option - FIRST_FIELD];

	return subject_set(&fields->create.subject, field, text, err);
}

struct order {
	const char *name;
	const char *from; /* the certificate whose fields are taken; NULL: none */
	bool yes;
};

/* What is told only at the end, since other options say what it means. */
static int
finish(struct cert_fields *fields, const struct order *said, const char *key, struct error *err)
{
	if (!cert_name_valid(said->name))
		return error_set(err, "%s: not a name for a certificate: " CERT_NAME_RULE,
				 said->name);
	if (said->from != NULL && !cert_name_valid(said->from))
		return error_set(err, "--from %s: not a name of a certificate", said->from);
	strlcpy(fields->create.name, said->name, sizeof(fields->create.name));
	return key == NULL ? 0 : cert_fields_key(fields, key, err);
}

/* The options go over what FIELDS has. Returns CTL_OK, or what to exit with. */
static int
parse(int argc, char **argv, struct cert_fields *fields, struct order *said)
{
	static const struct option table[] = {
	    {"name", required_argument, NULL, 'n'},
	    {"key", required_argument, NULL, 'k'},
	    {"days", required_argument, NULL, 'd'},
	    {"from", required_argument, NULL, 'f'},
	    {"replace", no_argument, NULL, 'r'},
	    {"weak", no_argument, NULL, 'w'},
	    {"yes", no_argument, NULL, 'y'},
	    {"country", required_argument, NULL, FIRST_FIELD},
	    {"state", required_argument, NULL, FIRST_FIELD + 1},
	    {"locality", required_argument, NULL, FIRST_FIELD + 2},
	    {"organization", required_argument, NULL, FIRST_FIELD + 3},
	    {"unit", required_argument, NULL, FIRST_FIELD + 4},
	    {"common-name", required_argument, NULL, FIRST_FIELD + 5},
	    {"email", required_argument, NULL, FIRST_FIELD + 6},
	    {NULL, 0, NULL, 0}};
	struct options options = {.table = table, .repeatable = "n"};
	const char *key = NULL;
	bool named = false;
	struct error err;
	int option, result = 0;

	*said = (struct order){.name = NULL};
	optind = 0;
	while (result == 0 && (option = options_next(&options, argc, argv)) != -1) {
		if (option == 'n') {
			/* In place of those of --from. */
			if (!named)
				fields->length = fields->create.count = 0;
			named = true;
			result = cert_fields_name(fields, optarg, &err);
		} else if (option == 'k')
			key = optarg;
		else if (option == 'd')
			result = cert_fields_days(fields, optarg, &err);
		else if (option == 'f')
			said->from = optarg;
		else if (option == 'r')
			fields->create.flags |= CERT_CREATE_REPLACE;
		else if (option == 'w')
			fields->create.flags |= CERT_CREATE_WEAK;
		else if (option == 'y')
			said->yes = true;
		else if (option >= FIRST_FIELD)
			result = set_field(fields, option, optarg, &err);
		else
			return CTL_USAGE;
	}
	if (result == 0 && argc - optind != 1)
		return CTL_USAGE;
	said->name = argv[optind];
	if (result == 0)
		result = finish(fields, said, key, &err);
	return result == -1 ? ctl_error(&err) : CTL_OK;
}

/* What certd says another certificate is made of. */
static int
take_fields(uint32_t kind, const char *bytes, size_t length, void *arg, struct error *err)
{
	struct cert_fields *fields = arg;
	const size_t size = sizeof(fields->create);

	(void)kind;
	if (length < size || length - size > sizeof(fields->tail))
		return error_set(err, "certd: an answer that can't be read");
	memcpy(&fields->create, bytes, size);
	fields->length = length - size;
	memcpy(fields->tail, bytes + size, fields->length);
	fields->create.flags = 0;
	return 0;
}

/* FIELDS becomes what FROM says, and then what the options say. */
static int
begin_from(const struct cert_channel *channel, int argc, char **argv, struct cert_fields *fields,
	   struct order *said)
{
	struct cc_name name = {.name = ""};
	const struct cert_request ask = {.type = CC_FIELDS,
					 .body = &name,
					 .size = sizeof(name),
					 .fd = -1,
					 .on_data = take_fields,
					 .arg = fields};
	char text[CERT_TEXT_MAX + 1];
	struct error err;

	strlcpy(name.name, said->from, sizeof(name.name));
	if (cert_ask(channel, &ask, text, &err) == -1) {
		error_prefix(&err, "--from");
		return ctl_error(&err);
	}
	return parse(argc, argv, fields, said);
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

static void
warn(const struct cert_fields *fields)
{
	if (fields->create.key == CERT_KEY_RSA_1024)
		fputs("posternctl: warning: RSA with 1024 bits can be broken by those who want it "
		      "enough. OpenSSL as Debian has it and Apple's programs since 2019 refuse it, "
		      "no public authority signs it, and only a listener with weak = true serves "
		      "it.\n",
		      stderr);
}

static int
create(const struct configuration *conf, const struct cert_channel *channel,
       const struct cert_fields *fields)
{
	const struct cert_request ask = {.type = CC_CREATE,
					 .body = &fields->create,
					 .size = sizeof(fields->create),
					 .tail = fields->tail,
					 .length = fields->length,
					 .fd = -1};
	char text[CERT_TEXT_MAX + 1];
	struct error err;

	warn(fields);
	if (cert_ask(channel, &ask, text, &err) == -1) {
		if (fields->create.other[0] != '\0')
			error_prefix(&err,
				     "key %s: not a kind (" CERT_KEY_WORDS "), so another "
				     "certificate's",
				     fields->create.other);
		return ctl_error(&err);
	}
	print_result(conf, channel, fields->create.name, text);
	return CTL_OK;
}

/* Everything but the configuration and the channel. */
static int
ask_and_create(const struct configuration *conf, const struct cert_channel *channel, int argc,
	       char **argv, struct cert_fields *fields, struct order *said)
{
	struct error err;
	int result = CTL_OK;
	bool yes;

	if (said->from != NULL)
		result = begin_from(channel, argc, argv, fields, said);
	if (result != CTL_OK)
		return result;
	/* Somebody who can be asked, and has not said that nothing is to be asked. */
	yes = said->yes || isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1;
	if (default_name(fields, conf, &err) == -1 ||
	    (!yes && cert_fields_ask(fields, stdin, stdout, &err) == -1))
		return ctl_error(&err);
	return create(conf, channel, fields);
}

int
ctl_cert_create(int argc, char **argv)
{
	static struct cert_fields fields;
	struct configuration *conf;
	struct cert_channel channel;
	struct conf_users users;
	struct order said;
	struct error err;
	int result;

	fields = (struct cert_fields){.create = {.key = CERT_KEY_RSA_2048, .days = CERT_DAYS}};
	if ((result = parse(argc, argv, &fields, &said)) != CTL_OK)
		return result;
	if ((conf = cert_configuration(&users)) == NULL)
		return CTL_FAILED;
	if (cert_channel_open(conf, &users, &channel, &err) == -1) {
		result = ctl_error(&err);
	} else {
		result = ask_and_create(conf, &channel, argc, argv, &fields, &said);
		cert_channel_close(&channel);
	}
	conf_free(conf);
	return result;
}
