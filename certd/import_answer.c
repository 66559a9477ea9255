/* SPDX-License-Identifier: ISC */
/* What the administrator is told of an import: what is where, for whom, and what clients will say
 * of it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "certd/import_plan.h"

struct text {
	char *at;
	size_t size;
};

static void say(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void
say(struct text *text, const char *format, ...)
{
	va_list arguments;
	size_t used = strlen(text->at);

	va_start(arguments, format);
	vsnprintf(text->at + used, text->size - used, format, arguments);
	va_end(arguments);
}

static void
describe(const struct import_plan *plan, struct text *text)
{
	const struct import_choice *choice = &plan->choice;
	char names[1024], issuer[128];

	import_host_names(choice->leaf->x509, names, sizeof(names));
	import_common_name(choice->leaf->x509, false, issuer, sizeof(issuer));
	say(text, "%s.key  the private key: %s, %d bits%s%s%s\n", plan->name,
	    key_kind_name(key_kind(plan->key)), EVP_PKEY_get_bits(plan->pkey),
	    plan->key_found ? ", which was in the folder as " : "",
	    plan->key_found ? plan->found.name : "", plan->key_found ? ".key" : "");
	if (plan->made.set.part[PART_CSR].bytes != NULL)
		say(text, "%s.csr  the request of this key\n", plan->name);
	say(text, "%s.crt  for %s; %s%s%s; valid until %s", plan->name,
	    names[0] != '\0' ? names : "no host name",
	    choice->self_signed ? "self-signed" : "issued by '", choice->self_signed ? "" : issuer,
	    choice->self_signed ? "" : "'", plan->made.until);
	if (choice->chain_count > 0)
		say(text, "; with %zu of its chain", choice->chain_count);
	say(text, "\nSHA-256  %s\n", plan->made.fingerprint);
	if (plan->kept[0] != '\0')
		say(text, "What was %s before is kept aside as %s.\n", plan->name, plan->kept);
}

/* Where the other half was: a pair that stays, or files that have become this pair's. */
static void
tell_found(const struct import_plan *plan, struct text *text)
{
	if (plan->found.name[0] == '\0' || strcmp(plan->found.name, plan->name) == 0)
		return;
	if (plan->found.alone)
		say(text, "%s is now called %s.\n", plan->found.name, plan->name);
	else
		say(text,
		    "The certificate %s, of the same key, is still there. To put this one in its "
		    "place: import it with --name %s.\n",
		    plan->found.name, plan->found.name);
}

static bool
is_signed_weakly(const X509 *x509)
{
	int digest = NID_undef;

	return X509_get_signature_info((X509 *)(uintptr_t)x509, &digest, NULL, NULL, NULL) == 1 &&
	       (digest == NID_md5 || digest == NID_sha1 || digest == NID_md5_sha1);
}

static void
warn(const struct import_plan *plan, struct text *text)
{
	const struct import_choice *choice = &plan->choice;
	char names[256];
	bool weak = !choice->self_signed && is_signed_weakly(choice->leaf->x509);

	for (size_t i = 0; i < choice->chain_count; i++)
		weak = weak || is_signed_weakly(choice->chain[i]);
	import_host_names(choice->leaf->x509, names, sizeof(names));
	if (choice->missing[0] != '\0')
		say(text,
		    "warning: clients will refuse this: the certificate of '%s' is missing; %s%s. "
		    "Import it together with this one. (All is well if that is an authority of "
		    "your own, which your clients know.)\n",
		    choice->missing,
		    choice->at[0] != '\0' ? "it can be had at " : "ask the authority for it",
		    choice->at);
	if (weak)
		say(text, "warning: clients will refuse this: it is signed with SHA-1 or MD5.\n");
	if (names[0] == '\0')
		say(text, "warning: clients will refuse this: it has no subjectAltName, so it is "
			  "for no host.\n");
	if (X509_cmp_current_time(X509_get0_notAfter(choice->leaf->x509)) < 0)
		say(text, "warning: clients will refuse this: it has expired.\n");
	if (key_is_weak(plan->key))
		say(text, "warning: clients will refuse this: its key is too weak. Only a listener "
			  "that says weak = true uses it.\n");
	if (choice->self_signed)
		say(text, "warning: it is self-signed: clients ask their users whether to trust "
			  "it.\n");
	if (choice->private_root)
		say(text, "Its authority is not in this host's list: clients must know it.\n");
	if (choice->dropped > 0)
		say(text, "Left out: %zu certificate%s that clients don't need.\n", choice->dropped,
		    choice->dropped == 1 ? "" : "s");
	ERR_clear_error();
}

void
import_answer_text(const struct import_plan *plan, struct import_answer *answer)
{
	struct text text = {answer->text, sizeof(answer->text)};

	strlcpy(answer->name, plan->name, sizeof(answer->name));
	answer->text[0] = '\0';
	if (plan->same)
		say(&text, "%s is just this already: nothing has changed.\n", plan->name);
	else
		describe(plan, &text);
	tell_found(plan, &text);
	warn(plan, &text);
	say(&text, "%s", plan->order->notes);
}
