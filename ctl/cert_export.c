/* SPDX-License-Identifier: ISC */
/* posternctl cert export: a certificate and its chain; the private key only where that is said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cert_name.h"
#include "ctl/cert.h"
#include "ctl/ctl.h"
#include "ctl/options.h"
#include "ctl/output.h"
#include "ctl/passphrase.h"

struct export
{
	const char *name;
	const char *out;             /* NULL: standard output */
	const char *passphrase_file; /* NULL: the terminal */
	bool key;
	bool pkcs12;
	bool no_passphrase;
};

static bool
parse(int argc, char **argv, struct export *export)
{
	static const struct option table[] = {{"out", required_argument, NULL, 'o'},
					      {"private-key", no_argument, NULL, 'k'},
					      {"pkcs12", no_argument, NULL, 'p'},
					      {"passphrase-file", required_argument, NULL, 'f'},
					      {"no-passphrase", no_argument, NULL, 'n'},
					      {NULL, 0, NULL, 0}};
	/* Without a pass phrase there is only PEM. */
	static const char *const exclusive[] = {"nfp", NULL};
	struct options options = {.table = table, .exclusive = exclusive};
	int option;

	*export = (struct export){.name = NULL};
	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option == 'o')
			export->out = optarg;
		else if (option == 'k')
			export->key = true;
		else if (option == 'p')
			export->pkcs12 = true;
		else if (option == 'f')
			export->passphrase_file = optarg;
		else if (option == 'n')
			export->no_passphrase = true;
		else
			return false;
	}
	export->name = argv[optind];
	return argc - optind == 1;
}

/* What goes together? */
static int
check(const struct export *export, struct error *err)
{
	if (!cert_name_valid(export->name))
		return error_set(err, "%s: not a name for a certificate: %s", export->name,
				 CERT_NAME_RULE);
	if (!export->key && (export->pkcs12 || export->no_passphrase || export->passphrase_file))
		return error_set(err, "--pkcs12, --passphrase-file and --no-passphrase are about "
				      "the private key: say --private-key too");
	return 0;
}

/* A private key as it is: certd itself writes it, we only append the certificates. */
static int
ask_clear(const struct cert_channel *channel, const struct export *export,
	  const struct output *output, char *text, struct error *err)
{
	struct cc_export_clear body = {.name = ""};
	const struct cert_request ask = {
	    .type = CC_EXPORT_CLEAR, .body = &body, .size = sizeof(body), .fd = output->fd};

	strlcpy(body.name, export->name, sizeof(body.name));
	return cert_ask(channel, &ask, text, err);
}

static int
ask_export(const struct cert_channel *channel, const struct cc_export *body, struct output *output,
	   char *text, struct error *err)
{
	const struct cert_request ask = {.type = CC_EXPORT,
					 .body = body,
					 .size = sizeof(*body),
					 .fd = -1,
					 .on_data = output_data,
					 .arg = output};

	return cert_ask(channel, &ask, text, err);
}

/* The message: what, and the pass phrase, if there is to be one. */
static int
prepare(const struct export *export, struct cc_export *body, struct error *err)
{
	char what[CERT_NAME_SIZE + 32];

	*body = (struct cc_export){.what = CERT_EXPORT_CHAIN};
	strlcpy(body->name, export->name, sizeof(body->name));
	if (!export->key || export->no_passphrase)
		return 0;
	body->what = export->pkcs12 ? CERT_EXPORT_PKCS12 : CERT_EXPORT_KEY;
	snprintf(what, sizeof(what), "the private key of %s", export->name);
	return passphrase_new(what, export->passphrase_file,
			      export->pkcs12 ? PASSPHRASE_ASCII : PASSPHRASE_ANY, body->passphrase,
			      err);
}

static int
run(const struct configuration *conf, const struct conf_users *users, const struct export *export,
    struct output *output, struct error *err)
{
	char text[CERT_TEXT_MAX + 1];
	struct cert_channel channel;
	struct cc_export body;
	int result = prepare(export, &body, err);

	if (result == 0 && (result = cert_channel_open(conf, users, &channel, err)) == 0) {
		if (export->no_passphrase)
			result = ask_clear(&channel, export, output, text, err);
		if (result == 0)
			result = ask_export(&channel, &body, output, text, err);
		cert_channel_close(&channel);
	}
	explicit_bzero(&body, sizeof(body));
	return result;
}

int
ctl_cert_export(int argc, char **argv)
{
	struct configuration *conf;
	struct conf_users users;
	struct export export;
	struct output output;
	struct error err;
	int result;

	if (!parse(argc, argv, &export))
		return CTL_USAGE;
	if (check(&export, &err) == -1)
		return ctl_error(&err);
	conf = cert_configuration(&users);
	if (conf == NULL)
		return CTL_FAILED;
	/* First the output: nobody is asked for a pass phrase in vain. */
	result = output_open(&output, export.out, export.key ? OUTPUT_SECRET : OUTPUT_PUBLIC, &err);
	if (result == 0)
		result = output_close(&output, run(conf, &users, &export, &output, &err), &err);
	conf_free(conf);
	return result == 0 ? CTL_OK : ctl_error(&err);
}
