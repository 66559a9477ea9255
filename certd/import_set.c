/* SPDX-License-Identifier: ISC */
#include "certd/import_set.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "certd/import_parse.h"
#include "certd/key.h"

void
import_set_free(struct import_set *set)
{
	for (size_t i = 0; i < set->key_count; i++)
		EVP_PKEY_free(set->keys[i]);
	for (size_t i = 0; i < set->certificate_count; i++)
		X509_free(set->certificates[i].x509);
	*set = (struct import_set){.key_count = 0};
}

int
import_set_add_key(struct import_set *set, const void *der, size_t length)
{
	const unsigned char *at = der;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)length);
	bool whole = at == (const unsigned char *)der + length;
	EVP_PKEY *pkey = NULL;
	struct key *key = NULL;
	struct error err;

	/* The importer has checked it, if it still is itself: nothing costly before we have too. */
	if (info != NULL && whole && import_check_algorithm(info, &err) == 0)
		pkey = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (pkey != NULL && import_check_sizes(pkey, &err) == 0)
		key = key_new(pkey, &err);
	ERR_clear_error();
	if (key == NULL) {
		EVP_PKEY_free(pkey);
		return -1;
	}
	key_free(key);
	for (size_t i = 0; i < set->key_count; i++) {
		if (EVP_PKEY_eq(set->keys[i], pkey) == 1) {
			EVP_PKEY_free(pkey);
			return 0;
		}
	}
	if (set->key_count == IMPORT_KEYS_MAX) {
		EVP_PKEY_free(pkey);
		return -1;
	}
	set->keys[set->key_count++] = pkey;
	return 0;
}

int
import_set_add_certificate(struct import_set *set, const struct cj_piece *piece, const void *der,
			   size_t length)
{
	const unsigned char *at = der;
	X509 *x509;

	if (set->certificate_count == IMPORT_CERTS_MAX || (piece->flags & ~(uint32_t)CJ_FLAGS) != 0)
		return -1;
	x509 = d2i_X509(NULL, &at, (long)length);
	ERR_clear_error();
	if (x509 == NULL)
		return -1;
	if (at != (const unsigned char *)der + length) {
		X509_free(x509);
		return -1;
	}
	set->certificates[set->certificate_count++] =
	    (struct import_certificate){x509, piece->file, piece->flags};
	return 0;
}

/*
 * -- Names ----------------------------------------------------------------------
 */

static void
copy_string(const ASN1_STRING *string, char *name, size_t size)
{
	unsigned char *utf8 = NULL;
	int length = ASN1_STRING_to_UTF8(&utf8, string);
	size_t used = 0;

	for (int i = 0; i < length && used + 1 < size; i++)
		name[used++] = utf8[i] < ' ' || utf8[i] > '~' ? '?' : (char)utf8[i];
	name[used] = '\0';
	OPENSSL_free(utf8);
}

static void
first_host_name(const X509 *x509, char *name, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && name[0] == '\0'; i++) {
		const GENERAL_NAME *general = sk_GENERAL_NAME_value(names, i);

		if (general->type == GEN_DNS)
			copy_string(general->d.dNSName, name, size);
	}
	GENERAL_NAMES_free(names);
}

void
import_common_name(const X509 *x509, bool subject, char *name, size_t size)
{
	const X509_NAME *whole = subject ? X509_get_subject_name(x509) : X509_get_issuer_name(x509);
	static const int nids[] = {NID_commonName, NID_organizationalUnitName,
				   NID_organizationName};

	name[0] = '\0';
	for (size_t i = 0; i < sizeof(nids) / sizeof(nids[0]) && name[0] == '\0'; i++) {
		int at = X509_NAME_get_index_by_NID(whole, nids[i], -1);

		if (at >= 0)
			copy_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(whole, at)), name,
				    size);
		if (i == 0 && name[0] == '\0' && subject)
			first_host_name(x509, name, size);
	}
	ERR_clear_error();
}

static void
append_name(const GENERAL_NAME *general, char *names, size_t size)
{
	char name[256] = "";
	const uint8_t *octets;
	size_t used = strlen(names);

	if (general->type == GEN_DNS) {
		copy_string(general->d.dNSName, name, sizeof(name));
	} else if (general->type == GEN_IPADD) {
		int length = ASN1_STRING_length(general->d.iPAddress);

		octets = ASN1_STRING_get0_data(general->d.iPAddress);
		if ((length == 4 || length == 16) &&
		    inet_ntop(length == 4 ? AF_INET : AF_INET6, octets, name, sizeof(name)) == NULL)
			name[0] = '\0';
	}
	if (name[0] != '\0')
		snprintf(names + used, size - used, "%s%s", used > 0 ? ", " : "", name);
}

void
import_host_names(const X509 *x509, char *names, size_t size)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

	names[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++)
		append_name(sk_GENERAL_NAME_value(list, i), names, size);
	GENERAL_NAMES_free(list);
	ERR_clear_error();
}

static bool
has_nul(const ASN1_STRING *string)
{
	return memchr(ASN1_STRING_get0_data(string), '\0', (size_t)ASN1_STRING_length(string)) !=
	       NULL;
}

/* "good.example\0.evil.example": C programs see another name than the authority did. */
static bool
name_has_nul(const X509 *x509)
{
	const X509_NAME *subject = X509_get_subject_name(x509);
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < X509_NAME_entry_count(subject) && !found; i++) {
		const ASN1_STRING *value =
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));

		/* Wide strings are full of them. */
		if (ASN1_STRING_type(value) != V_ASN1_BMPSTRING &&
		    ASN1_STRING_type(value) != V_ASN1_UNIVERSALSTRING)
			found = has_nul(value);
	}
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *general = sk_GENERAL_NAME_value(names, i);

		if (general->type == GEN_DNS || general->type == GEN_EMAIL ||
		    general->type == GEN_URI)
			found = has_nul(general->d.ia5);
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return found;
}

/*
 * -- The server's certificate ---------------------------------------------------
 */

int
import_check_leaf(const X509 *x509, bool force, struct error *err)
{
	X509 *leaf = (X509 *)(uintptr_t)x509; /* OpenSSL caches what it finds in there */
	char name[128];
	int before = X509_cmp_current_time(X509_get0_notBefore(x509));
	int after = X509_cmp_current_time(X509_get0_notAfter(x509));
	bool self = X509_self_signed(leaf, 0) == 1, purpose, client;

	import_common_name(x509, true, name, sizeof(name));
	if (name_has_nul(x509))
		return error_set(err, "the certificate has a name with a NUL byte in it: it is "
				      "forged, or its authority is broken");
	/* Self-signed ones of many devices say CA:TRUE: what they are is seen from their names. */
	if (X509_check_ca(leaf) > 0 && (X509_get_extension_flags(leaf) & EXFLAG_BCONS) != 0 &&
	    !(self && X509_get_ext_by_NID(x509, NID_subject_alt_name, -1) >= 0))
		return error_set(err,
				 "the certificate of '%s' is an authority's, not a server's: the "
				 "server's own is missing",
				 name);
	if (before == 0 || after == 0)
		return error_set(err, "the certificate of '%s' has no valid dates", name);
	if (after < 0 && !force)
		return error_set(
		    err,
		    "the certificate of '%s' has expired: get a new one, or take it all "
		    "the same with --force",
		    name);
	if (before > 0 && !force)
		return error_set(err,
				 "the certificate of '%s' is not valid yet: is this host's clock "
				 "right? Or take it all the same with --force",
				 name);
	purpose =
	    (X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) == 0 ||
	    (X509_get_extended_key_usage(leaf) & (XKU_SSL_SERVER | XKU_SGC | XKU_ANYEKU)) != 0;
	client = (X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) != 0;
	ERR_clear_error();
	if (!purpose && !client)
		return error_set(
		    err,
		    "the certificate of '%s' is not for servers (extendedKeyUsage lacks "
		    "serverAuth): ask the authority for one that is",
		    name);
	if (!purpose && !force)
		return error_set(
		    err,
		    "the certificate of '%s' is for clients, not for servers (extendedKeyUsage "
		    "lacks serverAuth): if relay is to show it to other servers, take it with "
		    "--force",
		    name);
	return 0;
}

static bool
is_authority(const X509 *x509)
{
	return X509_check_ca((X509 *)(uintptr_t)x509) > 0;
}

/* Of several for the same key (an old one came along), the one valid longest. */
static bool
is_better(const struct import_certificate *one, const struct import_certificate *other)
{
	return other == NULL || ASN1_TIME_compare(X509_get0_notAfter(one->x509),
						  X509_get0_notAfter(other->x509)) > 0;
}

static int
find_leaf(const struct import_set *set, const EVP_PKEY *public, struct import_choice *choice,
	  struct error *err)
{
	size_t servers = 0;

	for (size_t i = 0; i < set->certificate_count; i++) {
		const struct import_certificate *here = &set->certificates[i];
		bool candidate;

		if (public != NULL) {
			candidate = EVP_PKEY_eq(X509_get0_pubkey(here->x509), public) == 1;
		} else {
			candidate = !is_authority(here->x509) || set->certificate_count == 1;
			servers += candidate;
		}
		if (candidate && is_better(here, choice->leaf))
			choice->leaf = here;
	}
	ERR_clear_error();
	if (choice->leaf == NULL && public != NULL)
		return error_set(err,
				 "the key and the certificate don't match: none of the %zu "
				 "certificates is of this key",
				 set->certificate_count);
	if (choice->leaf == NULL)
		return error_set(err,
				 "all %zu certificates are authorities': the server's own is "
				 "missing",
				 set->certificate_count);
	if (servers > 1)
		return error_set(err,
				 "certificates of %zu servers: import one at a time, or with "
				 "its key",
				 servers);
	return 0;
}

/*
 * -- The chain ------------------------------------------------------------------
 */

/* Names and key identifiers tell an issuer; only a made-up set needs more signatures than this. */
#define VERIFICATIONS_MAX 32

static bool
is_in_chain(const struct import_choice *choice, const X509 *x509)
{
	for (size_t i = 0; i < choice->chain_count; i++) {
		if (choice->chain[i] == x509)
			return true;
	}
	return x509 == choice->leaf->x509;
}

static const struct import_certificate *
find_issuer(const struct import_set *set, const struct import_choice *choice, X509 *of,
	    unsigned *verifications)
{
	for (size_t i = 0; i < set->certificate_count; i++) {
		X509 *x509 = set->certificates[i].x509;

		if (is_in_chain(choice, x509) || X509_check_issued(x509, of) != X509_V_OK)
			continue;
		if (++*verifications > VERIFICATIONS_MAX)
			return NULL;
		if (X509_verify(of, X509_get0_pubkey(x509)) == 1)
			return &set->certificates[i];
	}
	return NULL;
}

/* Whose certificate is missing after LAST, and where LAST says that it can be had. */
static void
name_missing(const X509 *last, struct import_choice *choice)
{
	AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(last, NID_info_access, NULL, NULL);

	for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access) && choice->at[0] == '\0'; i++) {
		const ACCESS_DESCRIPTION *description = sk_ACCESS_DESCRIPTION_value(access, i);

		if (OBJ_obj2nid(description->method) == NID_ad_ca_issuers &&
		    description->location->type == GEN_URI)
			copy_string(description->location->d.uniformResourceIdentifier, choice->at,
				    sizeof(choice->at));
	}
	AUTHORITY_INFO_ACCESS_free(access);
	import_common_name(last, false, choice->missing, sizeof(choice->missing));
	if (choice->missing[0] == '\0')
		strlcpy(choice->missing, "its issuer", sizeof(choice->missing));
}

int
import_choose(const struct import_set *set, const EVP_PKEY *public, struct import_choice *choice,
	      struct error *err)
{
	const struct import_certificate *last, *issuer;
	unsigned verifications = 0;

	*choice = (struct import_choice){.leaf = NULL};
	if (find_leaf(set, public, choice, err) == -1)
		return -1;
	last = choice->leaf;
	choice->self_signed = X509_self_signed(last->x509, 0) == 1;
	choice->complete = choice->self_signed;
	while (!choice->complete) {
		issuer = find_issuer(set, choice, last->x509, &verifications);
		if (issuer != NULL && X509_self_signed(issuer->x509, 0) == 1) {
			choice->complete = true;
			choice->private_root = (issuer->flags & CJ_ROOT) == 0;
			break;
		}
		if (issuer == NULL) {
			/* A host without a list can't tell: an intermediate that came along must
			 * do. */
			choice->complete =
			    (last->flags & CJ_ANCHORED) != 0 ||
			    ((last->flags & CJ_UNKNOWN) != 0 && choice->chain_count > 0);
			if (!choice->complete)
				name_missing(last->x509, choice);
			break;
		}
		if (choice->chain_count == IMPORT_CHAIN_MAX)
			return error_set(err, "a chain of more than %d certificates",
					 IMPORT_CHAIN_MAX);
		choice->chain[choice->chain_count++] = issuer->x509;
		last = issuer;
	}
	choice->dropped = set->certificate_count - 1 - choice->chain_count;
	ERR_clear_error();
	return 0;
}
