/* SPDX-License-Identifier: ISC */
/* import_plan - what import_commit.c decides, and import_answer.c tells. */
#ifndef POSTERN_CERTD_IMPORT_PLAN_H
#define POSTERN_CERTD_IMPORT_PLAN_H

#include "certd/import_commit.h"
#include "certd/import_folder.h"
#include "certd/x509.h"

/* What an import comes to, filled from the top down. */
struct import_plan {
	const struct import_order *order;
	struct import_choice choice;
	EVP_PKEY *pkey;
	struct key *key; /* the same */
	bool key_found;  /* in the folder, not in the files */
	struct import_found
	    found; /* whose files in the folder had the other half; name "": nobody's */
	char name[CERT_NAME_SIZE];
	bool replaces;
	bool same; /* all is there already */
	char kept[CERT_KEPT_SIZE];
	struct x509_made made;
};

/* Of a plan that has been carried out. */
void import_answer_text(const struct import_plan *, struct import_answer *);

#endif
