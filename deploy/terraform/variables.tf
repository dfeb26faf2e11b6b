variable "name" {
  description = "Names everything, and is Orleans' cluster and service id."
  type        = string
  default     = "orleanslake"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Expected 2 to 31 lower-case letters, digits and dashes, beginning with a letter."
  }
}

variable "image" {
  description = "The silo's image (deploy/Dockerfile), by digest or an immutable tag."
  type        = string
}

variable "image_repository_arn" {
  description = "The ECR repository of the image; null: it is not in ECR."
  type        = string
  default     = null
}

variable "config" {
  description = "The silo's configuration (lake.example.json), without what this module decides: orleans.address, http, logs, metrics."
  type        = any
}

variable "secrets" {
  description = "Variables of the container that ECS takes from Secrets Manager or Parameter Store: name => ARN. ORLEANSLAKE__… go over the configuration."
  type        = map(string)
  default     = {}
}

variable "vpc_id" {
  type = string
}

variable "subnet_ids" {
  description = "Private subnets, in at least two availability zones, with a way to S3, Glue, ECR, CloudWatch Logs and Kafka."
  type        = list(string)
  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Expected subnets of at least two availability zones."
  }
}

variable "assign_public_ip" {
  description = "Only where the subnets are public and have no NAT: a task then reaches AWS over its own address."
  type        = bool
  default     = false
}

variable "client_security_group_ids" {
  description = "Who may reach the Orleans gateway and the HTTP API. Both are without a log-in."
  type        = map(string)
  default     = {}
}

variable "kafka_ports" {
  description = "Ports of the brokers: [first, last]."
  type        = list(number)
  default     = [9092, 9098]
}

variable "kafka_cidr" {
  description = "Where the brokers are."
  type        = string
  default     = "0.0.0.0/0"
}

variable "launch_type" {
  description = "FARGATE, or EC2: an auto-scaling group of this module's."
  type        = string
  default     = "FARGATE"
  validation {
    condition     = contains(["FARGATE", "EC2"], var.launch_type)
    error_message = "Expected FARGATE or EC2."
  }
}

variable "architecture" {
  description = "ARM64 costs a fifth less; the image must have it."
  type        = string
  default     = "ARM64"
  validation {
    condition     = contains(["ARM64", "X86_64"], var.architecture)
    error_message = "Expected ARM64 or X86_64."
  }
}

variable "instance_type" {
  description = "EC2: the instances; null: c7g.large or c7i.large."
  type        = string
  default     = null
}

variable "ami_id" {
  description = "EC2: the image of the instances; null: the newest ECS-optimised Amazon Linux 2023."
  type        = string
  default     = null
}

variable "cpu" {
  description = "CPU units of a silo: 1024 are one core."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "MiB of a silo."
  type        = number
  default     = 2048
}

variable "silos" {
  description = "How many silos: at least, at first, at most. More than there are topic-partitions are idle; min = max switches scaling off."
  type        = object({ min = number, desired = number, max = number })
  default     = { min = 2, desired = 2, max = 8 }
}

variable "lag_per_silo" {
  description = "Scaling aims at so many records behind the topics' ends for each silo."
  type        = number
  default     = 1000000
}

variable "warehouse" {
  description = "Buckets and prefixes that hold tables: the silos read, write and delete there and nowhere else."
  type        = list(object({ bucket = string, prefix = optional(string, "") }))
}

variable "glue_databases" {
  description = "Databases of the Glue Data Catalog that hold the tables."
  type        = list(string)
  default     = []
}

variable "secret_arns" {
  description = "Secrets with Kafka credentials that the silos read themselves, so that a rotation needs no restart."
  type        = list(string)
  default     = []
}

variable "parameter_arns" {
  description = "Parameters of Systems Manager that the silos read themselves (ssm:NAME in the configuration)."
  type        = list(string)
  default     = []
}

variable "kms_key_arns" {
  description = "Keys of the buckets and secrets."
  type        = list(string)
  default     = []
}

variable "msk" {
  description = "An MSK cluster with IAM: its ARN, and the names of topics and groups (with *). null: another way in."
  type        = object({ cluster_arn = string, topics = list(string), groups = optional(list(string), ["orleanslake-*"]), dead_letter_topics = optional(list(string), []) })
  default     = null
}

variable "clustering" {
  description = "How silos find one another: warehouse (beside the tables, nothing to pay for) or dynamodb (tables of this module, grain state and reminders in them too)."
  type        = string
  default     = "warehouse"
  validation {
    condition     = contains(["warehouse", "dynamodb"], var.clustering)
    error_message = "Expected warehouse or dynamodb."
  }
}

variable "dynamodb" {
  description = "clustering = dynamodb: units of provisioned capacity (null: on demand), point-in-time recovery of state and reminders, protection from deletion, a key of KMS."
  type = object({
    capacity               = optional(object({ read = number, write = number }))
    point_in_time_recovery = optional(bool, true)
    deletion_protection    = optional(bool, true)
    kms_key_arn            = optional(string)
  })
  default = {}
}

variable "alarm_actions" {
  description = "What alarms tell: ARNs of SNS topics."
  type        = list(string)
  default     = []
}

variable "freshness_seconds" {
  description = "Alarm when the oldest record that is not in its table is older."
  type        = number
  default     = 120
}

variable "lag_records" {
  description = "Alarm when so many records wait."
  type        = number
  default     = 5000000
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}

variable "tags" {
  type    = map(string)
  default = {}
}
