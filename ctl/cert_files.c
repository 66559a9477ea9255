/* SPDX-License-Identifier: ISC */
/* posternctl cert restore, remove, rename: certificates of the folder move, or go. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cert_name.h"
#include "ctl/cert.h"
#include "ctl/ctl.h"

static int
not_a_name(const char *name)
{
	struct error err;

	error_set(&err, "%s: not a name for a certificate: " CERT_NAME_RULE, name);
	return ctl_error(&err);
}

int
ctl_cert_restore(int argc, char **argv)
{
	struct cc_kept request = {.name = ""};
	const struct cert_request ask = {
	    .type = CC_RESTORE, .body = &request, .size = sizeof(request), .fd = -1};
	char name[CERT_NAME_SIZE];
	struct error err;

	if (argc != 2)
		return CTL_USAGE;
	if (!cert_name_kept(argv[1], name)) {
		error_set(&err,
			  "%s: not one that was kept aside (NAME.TIME, as mail.20261124T181002Z); "
			  "posternctl cert list shows them",
			  argv[1]);
		return ctl_error(&err);
	}
	strlcpy(request.name, argv[1], sizeof(request.name));
	return cert_command(&ask, NULL, stdout);
}

/* Only somebody on a terminal is asked. */
static bool
confirmed(const char *name)
{
	char answer[8];

	if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
		return true;
	printf("%s and its private key will be gone for good. Remove? [no]: ", name);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

int
ctl_cert_remove(int argc, char **argv)
{
	static const struct option options[] = {{"yes", no_argument, NULL, 'y'},
						{NULL, 0, NULL, 0}};
	struct cc_kept request = {.name = ""};
	const struct cert_request ask = {
	    .type = CC_REMOVE, .body = &request, .size = sizeof(request), .fd = -1};
	char name[CERT_NAME_SIZE];
	bool yes = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'y')
			return CTL_USAGE;
		yes = true;
	}
	if (argc - optind != 1)
		return CTL_USAGE;
	if (!cert_name_valid(argv[optind]) && !cert_name_kept(argv[optind], name))
		return not_a_name(argv[optind]);
	strlcpy(request.name, argv[optind], sizeof(request.name));
	if (!yes && !confirmed(request.name)) {
		puts("Nothing has been removed.");
		return CTL_FAILED;
	}
	return cert_command(&ask, request.name, stdout);
}

int
ctl_cert_rename(int argc, char **argv)
{
	struct cc_rename request = {.from = ""};
	const struct cert_request ask = {
	    .type = CC_RENAME, .body = &request, .size = sizeof(request), .fd = -1};

	if (argc != 3)
		return CTL_USAGE;
	for (int i = 1; i < argc; i++) {
		if (!cert_name_valid(argv[i]))
			return not_a_name(argv[i]);
	}
	strlcpy(request.from, argv[1], sizeof(request.from));
	strlcpy(request.to, argv[2], sizeof(request.to));
	return cert_command(&ask, request.from, stdout);
}
