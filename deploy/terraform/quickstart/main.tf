# From an account with its default network to a cluster of silos: bucket, database, secret, cluster. docs/aws-quickstart.md
# walks through it. A cluster that matters has private subnets and a state file that is shared.

provider "aws" {
  region = var.region
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

resource "aws_s3_bucket" "warehouse" {
  bucket_prefix = "orleanslake-"
}

resource "aws_s3_bucket_public_access_block" "warehouse" {
  bucket                  = aws_s3_bucket.warehouse.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# A silo that ends in the middle of an upload leaves parts that nothing lists.
resource "aws_s3_bucket_lifecycle_configuration" "warehouse" {
  bucket = aws_s3_bucket.warehouse.id
  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}

resource "aws_glue_catalog_database" "lake" {
  name         = var.database
  location_uri = "s3://${aws_s3_bucket.warehouse.bucket}/${var.database}"
}

resource "aws_secretsmanager_secret" "kafka" {
  name_prefix = "orleanslake/kafka-"
}

module "lake" {
  source               = "../"
  image                = var.image
  image_repository_arn = var.image_repository_arn
  vpc_id               = data.aws_vpc.default.id
  subnet_ids           = data.aws_subnets.default.ids
  assign_public_ip     = true # the default network has no NAT
  warehouse            = [{ bucket = aws_s3_bucket.warehouse.bucket }]
  glue_databases       = [aws_glue_catalog_database.lake.name]
  secret_arns          = [aws_secretsmanager_secret.kafka.arn]

  config = {
    warehouse = "s3://${aws_s3_bucket.warehouse.bucket}"
    catalog   = { name = "glue", type = "glue", region = var.region }
    s3        = { region = var.region }
    pipelines = [{
      name        = "events"
      topics      = [var.topic]
      table       = "${aws_glue_catalog_database.lake.name}.events"
      createTable = true
      ddl         = "CREATE TABLE ${aws_glue_catalog_database.lake.name}.events (${var.columns})"
      kafka = {
        "bootstrap.servers" = var.bootstrap_servers
        "security.protocol" = "sasl_ssl"
        "sasl.mechanism"    = "PLAIN"
      }
      kafkaSecret = { name = aws_secretsmanager_secret.kafka.arn, region = var.region }
    }]
  }
}

output "bucket" {
  value = aws_s3_bucket.warehouse.bucket
}

output "secret" {
  value = aws_secretsmanager_secret.kafka.arn
}

output "log_group" {
  value = module.lake.log_group
}
