/* SPDX-License-Identifier: ISC */
/* posternctl cert client: a key and a certificate for an account's mail client. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts_file.h"
#include "ctl/cert.h"
#include "ctl/cert_fields.h"
#include "ctl/ctl.h"
#include "ctl/options.h"
#include "ctl/output.h"
#include "ctl/passphrase.h"

struct order {
	struct cc_client body;
	const char *out;             /* NULL: standard output */
	const char *passphrase_file; /* NULL: the terminal */
};

static int
set_days(struct cc_client *body, const char *text, struct error *err)
{
	const char *why;

	body->days = (uint32_t)strtonum(text, 1, CERT_CLIENT_DAYS_MAX, &why);
	if (why != NULL)
		return error_set(err, "--days %s: 1 to %d", text, CERT_CLIENT_DAYS_MAX);
	return 0;
}

static int
set_key(struct cc_client *body, const char *text, struct error *err)
{
	uint32_t kind = cert_key_kind(text);

	/* A weak one nobody takes: the verifier wants 2048 bits. */
	if (kind == 0 || kind > CERT_KEY_ED25519)
		return error_set(err, "key %s: one of " CERT_KEY_WORDS, text);
	body->key = kind;
	return 0;
}

/* Returns CTL_OK, or what to exit with. */
static int
parse(int argc, char **argv, struct order *order)
{
	static const struct option table[] = {{"days", required_argument, NULL, 'd'},
					      {"key", required_argument, NULL, 'k'},
					      {"out", required_argument, NULL, 'o'},
					      {"passphrase-file", required_argument, NULL, 'f'},
					      {"legacy", no_argument, NULL, 'l'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.table = table};
	struct error err;
	int option, result = 0;

	*order = (struct order){.body = {.key = CERT_KEY_RSA_2048, .days = CERT_DAYS}};
	while (result == 0 && (option = options_next(&options, argc, argv)) != -1) {
		if (option == 'd')
			result = set_days(&order->body, optarg, &err);
		else if (option == 'k')
			result = set_key(&order->body, optarg, &err);
		else if (option == 'o')
			order->out = optarg;
		else if (option == 'f')
			order->passphrase_file = optarg;
		else if (option == 'l')
			order->body.legacy = 1;
		else
			return CTL_USAGE;
	}
	if (result == 0 && argc - optind != 1)
		return CTL_USAGE;
	if (result == 0 &&
	    (result = account_address(argv[optind], order->body.account, &err)) == -1)
		error_prefix(&err, "%s", argv[optind]);
	return result == 0 ? CTL_OK : ctl_error(&err);
}

/* Does a listener name both of the authority's files already? */
static bool
is_named(const struct configuration *conf, const char *authorities, const char *crl)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (l->client_authorities != NULL && l->client_crl != NULL &&
		    strcmp(l->client_authorities, authorities) == 0 &&
		    strcmp(l->client_crl, crl) == 0)
			return true;
	}
	return false;
}

/* What to do with it; not into the file, should that be standard output. */
static void
print_result(const struct configuration *conf, const struct order *order, const char *text)
{
	FILE *out = order->out == NULL ? stderr : stdout;
	char authorities[PATH_MAX], crl[PATH_MAX];

	snprintf(authorities, sizeof(authorities), "%s/authority/authority.crt", conf->certs);
	snprintf(crl, sizeof(crl), "%s/authority/authority.crl", conf->certs);
	fprintf(out, "%s: %s\n", order->body.account, text);
	fprintf(out,
		"%s has the key and the certificate: give it to the user, and the pass phrase by "
		"another way.\n",
		order->out == NULL ? "What was written" : order->out);
	if (!is_named(conf, authorities, crl))
		fprintf(out,
			"Listeners in %s that shall take it say:\n"
			"    client_certificates = \"request\";\n"
			"    client_authorities = \"%s\";\n"
			"    client_crl = \"%s\";\n",
			conf->path, authorities, crl);
}

static int
run(const struct configuration *conf, const struct conf_users *users, struct order *order,
    struct output *output, struct error *err)
{
	const struct cert_request ask = {.type = CC_CLIENT,
					 .body = &order->body,
					 .size = sizeof(order->body),
					 .fd = -1,
					 .on_data = output_data,
					 .arg = output};
	char text[CERT_TEXT_MAX + 1], what[ADDRESS_SIZE + 32];
	int result;

	strlcpy(order->body.host, conf->hostname, sizeof(order->body.host));
	snprintf(what, sizeof(what), "the certificate of %s", order->body.account);
	if (passphrase_new(what, order->passphrase_file, PASSPHRASE_ASCII, order->body.passphrase,
			   err) == -1)
		return output_close(output, -1, err);
	result = output_close(output, cert_ask_once(conf, users, &ask, text, err), err);
	if (result == 0)
		print_result(conf, order, text);
	return result;
}

int
ctl_cert_client(int argc, char **argv)
{
	struct configuration *conf;
	struct conf_users users;
	struct output output;
	struct order order;
	struct error err;
	int result = parse(argc, argv, &order);

	if (result != CTL_OK)
		return result;
	conf = cert_configuration(&users);
	if (conf == NULL)
		return CTL_FAILED;
	if (ctl_account_known(conf, order.body.account, &err) == -1 ||
	    output_open(&output, order.out, OUTPUT_SECRET, &err) == -1 ||
	    run(conf, &users, &order, &output, &err) == -1)
		result = ctl_error(&err);
	explicit_bzero(&order, sizeof(order));
	conf_free(conf);
	return result;
}
