-- A role that sees one brand, `acme`, and a user who has it: put your brand's id and a name and a password in their places.
-- After analysts.sql.
CREATE ROLE IF NOT EXISTS `peal_analyst_of_acme`;

GRANT peal_analyst TO `peal_analyst_of_acme`;

CREATE ROW POLICY OR REPLACE `acme` ON analysts.* USING brand = 'acme' TO `peal_analyst_of_acme`;

CREATE USER IF NOT EXISTS `ana` IDENTIFIED WITH sha256_password BY 'a password of your own';

GRANT `peal_analyst_of_acme` TO `ana`;
