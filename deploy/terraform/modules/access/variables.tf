variable "name" { type = string }
variable "warehouse" { type = list(object({ bucket = string, prefix = optional(string, "") })) }
variable "glue_databases" { type = list(string) }
variable "secret_arns" { type = list(string) }
variable "injected_secret_arns" { type = list(string) }
variable "parameter_arns" { type = list(string) }
variable "kms_key_arns" { type = list(string) }
variable "msk" { type = object({ cluster_arn = string, topics = list(string), groups = list(string), dead_letter_topics = list(string) }) }
variable "cluster_tables" { type = object({ members = string, state = string, reminders = string }) }
variable "log_group_arn" { type = string }
variable "image_repository_arn" { type = string }
variable "tags" { type = map(string) }
