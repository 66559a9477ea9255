/* SPDX-License-Identifier: ISC */
/* posternctl cert create: a key, a request and a self-signed certificate, made by certd. */
#include "ctl/cert.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/name.h"
#include "ctl/ctl.h"

#define DAYS 365 /* unless said otherwise */

static const struct {
	const char *name;
	uint32_t kind;
} key_kinds[] = {
    {"rsa2048", CERT_KEY_RSA_2048}, {"rsa3072", CERT_KEY_RSA_3072}, {"rsa4096", CERT_KEY_RSA_4096},
    {"p256", CERT_KEY_P256},        {"p384", CERT_KEY_P384},        {"p521", CERT_KEY_P521},
    {"ed25519", CERT_KEY_ED25519},
};

/* The command line, and then the message. */
struct request {
	struct cc_create create;
	size_t length;
	char tail[CERT_NAMES_TAIL_MAX];
};

static int
add_name(struct request *request, const char *name, struct error *err)
{
	size_t size = strlen(name) + 1;

	if (san_parse(name, NULL, NULL) == SAN_INVALID)
		return error_set(err, "--name %s: neither a host name nor an IP address", name);
	if (request->create.count == SAN_MAX || size > sizeof(request->tail) - request->length)
		return error_set(err, "--name %s: more than %d names", name, SAN_MAX);
	memcpy(request->tail + request->length, name, size);
	request->length += size;
	request->create.count++;
	return 0;
}

static int
set_key(struct request *request, const char *name, struct error *err)
{
	for (size_t i = 0; i < sizeof(key_kinds) / sizeof(key_kinds[0]); i++) {
		if (strcmp(key_kinds[i].name, name) == 0) {
			request->create.key = key_kinds[i].kind;
			return 0;
		}
	}
	return error_set(
	    err, "--key %s: one of rsa2048, rsa3072, rsa4096, p256, p384, p521, ed25519", name);
}

static int
set_days(struct request *request, const char *text, struct error *err)
{
	const char *why;

	request->create.days = (uint32_t)strtonum(text, 1, 36500, &why);
	return why == NULL ? 0 : error_set(err, "--days %s: %s; 1 to 36500", text, why);
}

/* Returns CTL_OK, or what to exit with. */
static int
parse(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {{"name", required_argument, NULL, 'n'},
						{"key", required_argument, NULL, 'k'},
						{"days", required_argument, NULL, 'd'},
						{NULL, 0, NULL, 0}};
	struct error err;
	int option, result = 0;

	*request = (struct request){.create = {.key = CERT_KEY_RSA_2048, .days = DAYS}};
	while (result == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			result = add_name(request, optarg, &err);
		else if (option == 'k')
			result = set_key(request, optarg, &err);
		else if (option == 'd')
			result = set_days(request, optarg, &err);
		else
			return CTL_USAGE;
	}
	if (result == -1)
		return ctl_error(&err);
	if (argc - optind != 1)
		return CTL_USAGE;
	if (!name_valid(argv[optind])) {
		error_set(&err,
			  "%s: not a name for a certificate: 1 to %d of A-Z a-z 0-9 . _ -, and no "
			  ". or - in front",
			  argv[optind], CERT_NAME_SIZE - 1);
		return ctl_error(&err);
	}
	strlcpy(request->create.name, argv[optind], sizeof(request->create.name));
	return CTL_OK;
}

/* Without --name: the certificate's own name if it is a host's, else the server's. */
static int
default_name(struct request *request, const struct configuration *conf, struct error *err)
{
	const char *name = request->create.name;

	if (request->create.count > 0)
		return 0;
	/* A name without a dot is rather a label for the administrator ("web", "test"). */
	if (san_parse(name, NULL, NULL) == SAN_INVALID || strchr(name, '.') == NULL)
		name = conf->hostname;
	return add_name(request, name, err);
}

static void
print_result(const struct configuration *conf, const struct cert_channel *channel, const char *name,
	     const char *text)
{
	printf("In %s:\n%s\n", conf->certs, text);
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
       const struct request *request)
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
	struct request request;
	struct error err;
	int result = parse(argc, argv, &request);

	if (result != CTL_OK)
		return result;
	conf = cert_configuration(&users);
	if (conf == NULL)
		return CTL_FAILED;
	if (default_name(&request, conf, &err) == -1)
		result = ctl_error(&err);
	else
		result = create(conf, &users, &request);
	conf_free(conf);
	return result;
}
