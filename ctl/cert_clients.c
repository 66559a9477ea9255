/* SPDX-License-Identifier: ISC */
/* posternctl cert clients, cert revoke: what the authority for clients has issued. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certd/client_index.h"
#include "common/accounts_file.h"
#include "ctl/cert.h"
#include "ctl/ctl.h"

static int
ask_certd(const struct cert_request *ask, char *text, struct error *err)
{
	struct configuration *conf;
	struct conf_users users;
	int result;

	conf = cert_configuration(&users);
	if (conf == NULL)
		return error_set(err, "the configuration is wrong");
	result = cert_ask_once(conf, &users, ask, text, err);
	conf_free(conf);
	return result;
}

static void
print_one(const struct cert_client *cert)
{
	char until[CLIENT_TIME_SIZE], revoked[CLIENT_TIME_SIZE];

	client_time_format(cert->until, until);
	client_time_format(cert->revoked, revoked);
	printf("%s\t%s\t%s\t", cert->account, cert->serial, until);
	if (cert->revoked != 0)
		printf("revoked %s\n", revoked);
	else
		puts(cert->until < (int64_t)time(NULL) ? "expired" : "valid");
}

static int
print_some(uint32_t kind, const char *bytes, size_t length, void *arg, struct error *err)
{
	struct cert_client cert;

	(void)kind;
	(void)arg;
	if (length % sizeof(cert) != 0)
		return error_set(err, "certd: a list that is not one");
	for (size_t at = 0; at < length; at += sizeof(cert)) {
		memcpy(&cert, bytes + at, sizeof(cert));
		if (memchr(cert.account, '\0', sizeof(cert.account)) == NULL ||
		    memchr(cert.serial, '\0', sizeof(cert.serial)) == NULL)
			return error_set(err, "certd: a list that is not one");
		print_one(&cert);
	}
	return 0;
}

int
ctl_cert_clients(int argc, char **argv)
{
	const struct ipc_empty nothing = {{0}};
	const struct cert_request ask = {.type = CC_CLIENTS,
					 .body = &nothing,
					 .size = sizeof(nothing),
					 .fd = -1,
					 .on_data = print_some};
	char text[CERT_TEXT_MAX + 1];
	struct error err;

	(void)argv;
	if (argc != 1)
		return CTL_USAGE;
	return ask_certd(&ask, text, &err) == 0 ? CTL_OK : ctl_error(&err);
}

int
ctl_cert_revoke(int argc, char **argv)
{
	struct cc_revoke revoke = {.who = ""};
	const struct cert_request ask = {
	    .type = CC_REVOKE, .body = &revoke, .size = sizeof(revoke), .fd = -1};
	char text[CERT_TEXT_MAX + 1];
	struct error err;

	if (argc != 2)
		return CTL_USAGE;
	if (client_serial_valid(argv[1])) {
		strlcpy(revoke.who, argv[1], sizeof(revoke.who));
	} else if (account_address(argv[1], revoke.who, &err) == -1) {
		error_set(&err,
			  "%s: neither an account's address nor a serial number (posternctl cert "
			  "clients lists both)",
			  argv[1]);
		return ctl_error(&err);
	}
	if (ask_certd(&ask, text, &err) == -1)
		return ctl_error(&err);
	printf("%s: %s\n", argv[1], text);
	return CTL_OK;
}
